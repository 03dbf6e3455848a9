import { Alert, Button, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { renderSVG } from 'uqr';

import type { SecondFactorSecret } from '@/shared/api/model';
import { useT } from '@/shared/i18n/useT';
import { ErrorText } from '@/shared/parts/ErrorText';

import { useConfirm, useEnrol } from './requests';

/** Password, then the secret for the authenticator application and a first code of it, then the recovery codes. */
export function Enrolment({ onDone }: { onDone: () => void }) {
  const enrol = useEnrol();
  const confirm = useConfirm();
  if (confirm.data !== undefined) return <Codes codes={confirm.data.codes} onDone={onDone} />;
  if (enrol.data !== undefined)
    return <FirstCode secret={enrol.data} change={confirm} onCode={confirm.mutate} />;
  return <Password change={enrol} onPassword={enrol.mutate} />;
}

interface Change {
  isPending: boolean;
  isError: boolean;
  error: unknown;
}

export function Password(props: { change: Change; onPassword: (text: string) => void }) {
  const { t } = useT();
  const [password, setPassword] = useState('');
  return (
    <Step
      change={props.change}
      submit={t('account.go')}
      onSubmit={() => props.onPassword(password)}
    >
      <PasswordInput
        label={t('account.password')}
        autoComplete="current-password"
        required
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        visibilityToggleButtonProps={{ 'aria-label': t('signIn.show') }}
      />
    </Step>
  );
}

interface FirstCodeProps {
  secret: SecondFactorSecret;
  change: Change;
  onCode: (code: string) => void;
}

function FirstCode({ secret, change, onCode }: FirstCodeProps) {
  const { t } = useT();
  const [code, setCode] = useState('');
  const image = `data:image/svg+xml;utf8,${encodeURIComponent(renderSVG(secret.uri, { border: 2 }))}`;
  return (
    <Step change={change} submit={t('account.confirm')} onSubmit={() => onCode(code.trim())}>
      <Text size="sm">{t('account.scan')}</Text>
      <Group align="flex-start" gap={24} wrap="nowrap">
        <img src={image} alt={t('account.qr')} width={184} height={184} className="qr" />
        <Stack gap={8}>
          <Text size="sm" c="dimmed">
            {t('account.typeInstead')}
          </Text>
          <code className="secret">{secret.secret.replace(/(.{4})(?=.)/g, '$1 ')}</code>
        </Stack>
      </Group>
      <TextInput
        label={t('account.firstCode')}
        inputMode="numeric"
        autoComplete="one-time-code"
        required
        minLength={6}
        w={300}
        value={code}
        onChange={(event) => setCode(event.currentTarget.value)}
      />
    </Step>
  );
}

function Codes({ codes, onDone }: { codes: string[]; onDone: () => void }) {
  const { t } = useT();
  return (
    <Stack gap={16}>
      <Alert color="green" title={t('account.inForce')}>
        {t('account.recovery')}
      </Alert>
      <ul className="codes" aria-label={t('account.codes')}>
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <Group>
        <Button onClick={onDone}>{t('account.kept')}</Button>
      </Group>
    </Stack>
  );
}

interface StepProps {
  change: Change;
  submit: string;
  onSubmit: () => void;
  children: React.ReactNode;
}

function Step({ change, submit, onSubmit, children }: StepProps) {
  const send = (event: FormEvent) => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <form onSubmit={send}>
      <Stack gap={16} align="stretch" maw={520}>
        {children}
        {change.isError && (
          <Alert color="red" role="alert">
            <ErrorText error={change.error} />
          </Alert>
        )}
        <Group>
          <Button type="submit" loading={change.isPending}>
            {submit}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
