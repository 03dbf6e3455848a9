import { Alert, Button, Checkbox, Group, Loader, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';

import type { Claim } from '@/shared/api/model';
import { useT } from '@/shared/i18n/useT';
import { ErrorText } from '@/shared/parts/ErrorText';

import { sameFingerprint } from './code';
import { useApprove, useRefuse } from './requests';

interface Props {
  claim: Claim;
  /** Fingerprint in the QR code that was scanned at the box. */
  scanned: string | null;
  onClose: () => void;
}

/** Where a claim stands, and what is to be done next. */
export function ClaimProgress({ claim, scanned, onClose }: Props) {
  switch (claim.state) {
    case 'open':
      return <Waiting onClose={onClose} />;
    case 'presented':
      return <Compare claim={claim} scanned={scanned} />;
    case 'approved':
      return <LetIn claim={claim} onClose={onClose} />;
    default:
      return <Over state={claim.state} reason={claim.reason} onClose={onClose} />;
  }
}

function Waiting({ onClose }: { onClose: () => void }) {
  const { t } = useT();
  return (
    <Stack gap={16}>
      <Group gap={12} role="status">
        <Loader size="sm" />
        <Title order={3} size={16}>
          {t('claiming.open')}
        </Title>
      </Group>
      <Text>{t('claiming.openHint')}</Text>
      <CloseButton text={t('claiming.later')} onClose={onClose} />
    </Stack>
  );
}

/** The one step that no code can take: a person looks at both screens. */
function Compare({ claim, scanned }: { claim: Claim; scanned: string | null }) {
  const { t } = useT();
  const [same, setSame] = useState(false);
  const approve = useApprove();
  const refuse = useRefuse();
  const fingerprint = claim.fingerprint ?? '';
  const fits = scanned === null ? null : sameFingerprint(scanned, fingerprint);
  const error = approve.error ?? refuse.error;
  return (
    <Stack gap={12}>
      <Title order={3} size={16}>
        {t('claiming.compare')}
      </Title>
      <Text size="sm">{t('claiming.compareHint')}</Text>
      <p className="print" data-testid="fingerprint">
        {fingerprint}
      </p>
      <Text size="sm" c="dimmed">
        {t('claiming.of', { facts: factsOf(claim) })}
      </Text>
      {fits === null ? (
        <Checkbox
          label={t('claiming.same')}
          checked={same}
          onChange={(event) => setSame(event.currentTarget.checked)}
        />
      ) : (
        <p className="print-verdict" data-same={fits} role={fits ? 'status' : 'alert'}>
          {t(fits ? 'claiming.matches' : 'claiming.differs')}
        </p>
      )}
      {error !== null && (
        <Alert color="red" role="alert" title={t('claiming.failed')}>
          <ErrorText error={error} />
        </Alert>
      )}
      <Group justify="space-between" mt={8}>
        <Button
          variant="default"
          loading={refuse.isPending}
          onClick={() => refuse.mutate(claim.id)}
        >
          {t('claiming.refuse')}
        </Button>
        <Button
          disabled={!(fits ?? same)}
          loading={approve.isPending}
          onClick={() => approve.mutate({ id: claim.id, fingerprint: scanned ?? fingerprint })}
        >
          {t('claiming.approve')}
        </Button>
      </Group>
    </Stack>
  );
}

function factsOf({ software, vendor, model, serial_number }: Claim): string {
  const facts = [vendor, model, serial_number, software === '' ? '' : `Sim EMS ${software}`];
  return facts.filter((fact) => fact !== '').join(', ') || '–';
}

function LetIn({ claim, onClose }: { claim: Claim; onClose: () => void }) {
  const { t } = useT();
  return (
    <Stack gap={16}>
      <Title order={3} size={16} role="status">
        {t('claiming.approved', { name: claim.name })}
      </Title>
      <Text>{t('claiming.approvedHint')}</Text>
      {claim.replaces !== null && <Text>{t('claiming.approvedReplaced')}</Text>}
      <CloseButton text={t('claiming.close')} onClose={onClose} />
    </Stack>
  );
}

interface OverProps {
  state: 'refused' | 'expired';
  reason: string;
  onClose: () => void;
}

function Over({ state, reason, onClose }: OverProps) {
  const { t } = useT();
  return (
    <Stack gap={16}>
      <Text role="status">
        {t(`claiming.${state}`)} {reason}
      </Text>
      <CloseButton text={t('claiming.close')} onClose={onClose} />
    </Stack>
  );
}

function CloseButton({ text, onClose }: { text: string; onClose: () => void }) {
  return (
    <Group justify="flex-end">
      <Button variant="default" onClick={onClose}>
        {text}
      </Button>
    </Group>
  );
}
