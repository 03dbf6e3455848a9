import { Alert, Button, Group, Stack, Text } from '@mantine/core';

import type { Order } from '@/shared/api/model';
import { formatDayClock } from '@/shared/format/time';
import { useT } from '@/shared/i18n/useT';
import { ErrorText } from '@/shared/parts/ErrorText';
import { useNow } from '@/shared/time/useNow';

import type { SiteOption } from './CommandForm.portal';
import { willDo } from './sentence';

interface Props {
  order: Order;
  file: string | undefined;
  valid_s: number;
  batteries: string[];
  sites: SiteOption[];
  busy: boolean;
  error: unknown;
  onBack: () => void;
  onSend: () => void;
}

/** The second touch: what will happen, in watts and for how long, where, and until when it counts. */
export function Review({ order, file, valid_s, batteries, sites, busy, error, ...on }: Props) {
  const { t, locale } = useT();
  const now_ms = useNow(1000);
  const { kind, ...payload } = order;
  const zone = sites.length === 1 ? sites[0]?.time_zone : undefined;
  return (
    <Stack gap={12}>
      <Text fw={600} size="lg" data-testid="consequence">
        {willDo(kind, payload, { t, locale, batteries }, file)}
      </Text>
      {sites.length > 1 && (
        <Text>
          {t('command.sites')}: {sites.map(({ name }) => name).join(', ')}
        </Text>
      )}
      <Text size="sm" c="dimmed">
        {t('command.guards')}
      </Text>
      <Text size="sm" c="dimmed">
        {t('command.expires')} {formatDayClock(now_ms + valid_s * 1000, locale, zone)}.{' '}
        {t('command.validHint')}
      </Text>
      {error !== null && error !== undefined && (
        <Alert color="red" role="alert" title={t('command.sendFailed')}>
          <ErrorText error={error} />
        </Alert>
      )}
      <Group justify="space-between" mt={8}>
        <Button variant="default" onClick={on.onBack}>
          {t('action.back')}
        </Button>
        <Button loading={busy} onClick={on.onSend}>
          {sites.length > 1 ? t('command.sendTo', { count: sites.length }) : t('command.send')}
        </Button>
      </Group>
    </Stack>
  );
}
