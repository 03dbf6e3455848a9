import { Alert, Button, Paper, PasswordInput, Stack, TextInput, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent, type ReactNode } from 'react';

import { useT } from '@/shared/i18n/useT';

import { requestTokens, wantsCode } from './requests';
import { signInError } from './signInError';
import { useSession } from './store';

/** `tools`: language and theme, so that they can be chosen before signing in. */
export function SignIn({ tools }: { tools: ReactNode }) {
  const { t } = useT();
  const { signIn, ended } = useSession();
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [second, setSecond] = useState(false);
  const attempt = useMutation({
    mutationFn: () => requestTokens({ username: username.trim(), password, code: code.trim() }),
    onSuccess: signIn,
    onError: (error) => setSecond((asked) => asked || wantsCode(error)),
  });
  const failed = attempt.isError && !wantsCode(attempt.error);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    attempt.mutate();
  };
  return (
    <main className="sign-in">
      <Paper className="sign-in-card" p={32} radius="md" withBorder>
        <form onSubmit={submit}>
          <Stack gap={16}>
            <div>
              <Title order={1} size={28}>
                Sim EMS
              </Title>
              <p className="dim">{t('signIn.lead')}</p>
            </div>
            {ended && !attempt.isError && !second && (
              <Alert color="blue">{t('signIn.ended')}</Alert>
            )}
            {failed && (
              <Alert color="red" role="alert">
                {signInError(attempt.error, t, second)}
              </Alert>
            )}
            <TextInput
              label={t('signIn.user')}
              name="username"
              autoComplete="username"
              required
              value={username}
              onChange={(event) => setUsername(event.currentTarget.value)}
            />
            <PasswordInput
              label={t('signIn.password')}
              name="password"
              autoComplete="current-password"
              required
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
              visibilityToggleButtonProps={{ 'aria-label': t('signIn.show') }}
            />
            {second && (
              <TextInput
                label={t('signIn.code')}
                description={t('signIn.codeHint')}
                name="code"
                autoComplete="one-time-code"
                required
                ref={focus}
                value={code}
                onChange={(event) => setCode(event.currentTarget.value)}
              />
            )}
            <Button type="submit" loading={attempt.isPending} fullWidth>
              {t('signIn.submit')}
            </Button>
          </Stack>
        </form>
      </Paper>
      <div className="sign-in-tools">{tools}</div>
    </main>
  );
}

/** Where a person goes on typing. */
function focus(field: HTMLInputElement | null): void {
  field?.focus();
}
