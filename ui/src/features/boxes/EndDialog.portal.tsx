import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';

import { useT } from '@/shared/i18n/useT';
import { ErrorText } from '@/shared/parts/ErrorText';

import type { BoxRow } from './boxes';
import { useRevoke, useWithdraw } from './requests';

interface Props {
  row: BoxRow;
  onClose: () => void;
}

/** The second touch before a box is shut out: what ends, what goes on, what stays. */
export function RevokeDialog({ row, siteName, onClose }: Props & { siteName: string }) {
  const { t } = useT();
  const revoke = useRevoke();
  return (
    <End
      title={t('revoking.title', { name: row.name })}
      confirm={t('revoking.confirm')}
      failed={t('revoking.failed')}
      change={revoke}
      onConfirm={() => revoke.mutate(row.id, { onSuccess: onClose })}
      onClose={onClose}
    >
      <ul className="says">
        <li>{t('revoking.cut')}</li>
        <li>{t('revoking.goesOn', { site: siteName })}</li>
        <li>{t('revoking.kept')}</li>
      </ul>
      <Text size="sm" c="dimmed">
        {t('revoking.instead')}
      </Text>
    </End>
  );
}

export function WithdrawDialog({ row, onClose }: Props) {
  const { t } = useT();
  const withdraw = useWithdraw();
  return (
    <End
      title={t('withdrawing.title')}
      confirm={t('withdrawing.confirm')}
      failed={t('claiming.failed')}
      change={withdraw}
      onConfirm={() => withdraw.mutate(row.id, { onSuccess: onClose })}
      onClose={onClose}
    >
      <Text>{t('withdrawing.text', { name: row.name })}</Text>
    </End>
  );
}

interface EndProps {
  title: string;
  confirm: string;
  failed: string;
  change: { isPending: boolean; isError: boolean; error: unknown };
  onConfirm: () => void;
  onClose: () => void;
  children: ReactNode;
}

function End({ title, confirm, failed, change, onConfirm, onClose, children }: EndProps) {
  const { t } = useT();
  return (
    <Modal opened onClose={onClose} title={title} size="lg" closeButtonProps={closeProps(t)}>
      <Stack gap={16}>
        {children}
        {change.isError && (
          <Alert color="red" role="alert" title={failed}>
            <ErrorText error={change.error} />
          </Alert>
        )}
        <Group justify="space-between">
          <Button variant="default" onClick={onClose}>
            {t('action.cancel')}
          </Button>
          <Button className="danger" loading={change.isPending} onClick={onConfirm}>
            {confirm}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

const closeProps = (t: ReturnType<typeof useT>['t']) => ({ 'aria-label': t('action.close') });
