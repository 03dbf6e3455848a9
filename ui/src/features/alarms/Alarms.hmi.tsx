import type { Alarm } from '@/shared/api/model';
import { ApiError } from '@/shared/api/problem';
import { formatDayClock } from '@/shared/format/time';
import { useT } from '@/shared/i18n/useT';
import { ErrorText } from '@/shared/parts/ErrorText';
import { usePin } from '@/shared/pin/store';

import { Explanation } from './Explanation';

import './alarms.css';
import { isAcknowledged, isActive, sortAlarms } from './order';
import { useAcknowledge, useAlarms } from './requests';

/** Acknowledging asks for the PIN first. */
export function Alarms({ zone }: { zone: string }) {
  const { t } = useT();
  const alarms = useAlarms('/alarms');
  const acknowledge = useAcknowledge();
  const withPin = usePin((pin) => pin.require);
  if (alarms.isPending) return <div className="page skeleton" />;
  const shown = sortAlarms(alarms.data ?? []).slice(0, 30);
  const failed = alarms.error ?? (isRights(acknowledge.error) ? null : acknowledge.error);
  return (
    <div className="page">
      <h2 className="page-title">{t('alarms.count', { count: shown.filter(isActive).length })}</h2>
      {failed !== null && (
        <p className="note">
          <ErrorText error={failed} />
        </p>
      )}
      {shown.length === 0 && <p className="note">{t('alarms.none')}</p>}
      <ul className="alarms">
        {shown.map((alarm) => (
          <Row
            key={alarm.id}
            alarm={alarm}
            zone={zone}
            onAcknowledge={() => withPin(() => acknowledge.mutate(alarm))}
          />
        ))}
      </ul>
    </div>
  );
}

/** An ended PIN session is no failure to show: the next touch asks again. */
const isRights = (error: unknown): boolean => error instanceof ApiError && error.status === 401;

interface RowProps {
  alarm: Alarm;
  zone: string;
  onAcknowledge: () => void;
}

function Row({ alarm, zone, onAcknowledge }: RowProps) {
  const { t, locale } = useT();
  const when = (time: string) => formatDayClock(Date.parse(time), locale, zone);
  return (
    <li className="alarm" data-severity={alarm.severity} data-active={isActive(alarm)}>
      <span className="alarm-mark" aria-hidden="true" />
      <div className="alarm-body">
        <p className="alarm-text">
          <span className="visually-hidden">{t(`severity.${alarm.severity}`)}: </span>
          {alarm.text || alarm.code}
        </p>
        {isActive(alarm) && <Explanation alarm={alarm} />}
        <p className="dim">
          {alarm.component} · {t('alarms.since', { time: when(alarm.raised_at) })}
          {alarm.cleared_at != null &&
            ` · ${t('alarms.cleared', { time: when(alarm.cleared_at) })}`}
          {isAcknowledged(alarm) &&
            ` · ${t('alarms.acknowledged', { by: alarm.acknowledged_by ?? '–' })}`}
        </p>
      </div>
      {isActive(alarm) && !isAcknowledged(alarm) && (
        <button type="button" className="button" onClick={onAcknowledge}>
          {t('alarms.acknowledge')}
        </button>
      )}
    </li>
  );
}
