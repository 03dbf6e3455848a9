import { Alert, Button, Text } from '@mantine/core';

import type { Alarm } from '@/shared/api/model';
import { formatDayClock } from '@/shared/format/time';
import { useT } from '@/shared/i18n/useT';
import { ErrorText } from '@/shared/parts/ErrorText';
import { ListCard } from '@/shared/parts/ListCard.portal';

import { Explanation } from './Explanation';

import './alarms.css';
import { isAcknowledged, isActive, sortAlarms } from './order';
import { useAcknowledge, useAlarms } from './requests';

interface Props {
  path: string;
  zone?: string;
  /** Name of the site an alarm belongs to, on lists over many sites. */
  siteName?: (alarm: Alarm) => string | undefined;
  limit?: number;
  /** Whether this person may say that an alarm has been seen. */
  mayAcknowledge: boolean;
}

/** Cause, effect and remedy of each alarm; standing ones first. */
export function AlarmList({ path, zone, siteName, limit = 50, mayAcknowledge }: Props) {
  const { t } = useT();
  const alarms = useAlarms(path);
  const acknowledge = useAcknowledge();
  const all = alarms.data ?? [];
  return (
    <ListCard
      queries={[alarms]}
      failed={t('alarms.failed')}
      empty={all.length === 0 && <Text c="dimmed">{t('alarms.none')}</Text>}
    >
      {acknowledge.isError && (
        <Alert color="red" mb={8} title={t('alarms.ackFailed')}>
          <ErrorText error={acknowledge.error} />
        </Alert>
      )}
      <ul className="alarms">
        {sortAlarms(all)
          .slice(0, limit)
          .map((alarm) => (
            <AlarmRow
              key={alarm.id}
              alarm={alarm}
              {...(zone !== undefined && { zone })}
              site={siteName?.(alarm)}
              busy={acknowledge.isPending && acknowledge.variables.id === alarm.id}
              onAcknowledge={mayAcknowledge ? () => acknowledge.mutate(alarm) : null}
            />
          ))}
      </ul>
      {all.length > limit && (
        <Text c="dimmed" size="sm" mt={8}>
          {t('alarms.more', { count: all.length - limit })}
        </Text>
      )}
    </ListCard>
  );
}

interface RowProps {
  alarm: Alarm;
  zone?: string;
  site: string | undefined;
  busy: boolean;
  /** Null: not this person. */
  onAcknowledge: (() => void) | null;
}

function AlarmRow({ alarm, zone, site, busy, onAcknowledge }: RowProps) {
  const { t, locale } = useT();
  const active = isActive(alarm);
  const when = (time: string) => formatDayClock(Date.parse(time), locale, zone);
  return (
    <li className="alarm" data-severity={alarm.severity} data-active={active}>
      <span className="alarm-mark" aria-hidden="true" />
      <div className="alarm-body">
        <p className="alarm-text">
          <span className="visually-hidden">{t(`severity.${alarm.severity}`)}: </span>
          {site !== undefined && <strong>{site}: </strong>}
          {alarm.text || alarm.code}
        </p>
        {active && <Explanation words={alarm} />}
        <p className="dim small">
          {alarm.component} · {t('alarms.since', { time: when(alarm.raised_at) })}
          {alarm.cleared_at != null &&
            ` · ${t('alarms.cleared', { time: when(alarm.cleared_at) })}`}
          {isAcknowledged(alarm) &&
            ` · ${t('alarms.acknowledged', { by: alarm.acknowledged_by ?? '–' })}`}
        </p>
      </div>
      {active && !isAcknowledged(alarm) && onAcknowledge !== null && (
        <Button size="compact-sm" variant="default" loading={busy} onClick={onAcknowledge}>
          {t('alarms.acknowledge')}
        </Button>
      )}
    </li>
  );
}
