import type { Alarm, Fault } from '@/shared/api/model';
import { formatDayClock } from '@/shared/format/time';
import { useT } from '@/shared/i18n/useT';

import { Explanation } from './Explanation';
import { wordsOf } from './faults';
import { isAcknowledged, isActive } from './order';

interface Props {
  alarm: Alarm;
  fault: Fault | undefined;
  zone: string;
  onAcknowledge: () => void;
  onClear: (fault: Fault) => void;
}

/** One alarm; of a fault also whether it latched and may be cleared. */
export function AlarmRow({ alarm, fault, zone, onAcknowledge, onClear }: Props) {
  const { t, locale, language } = useT();
  const words = wordsOf(alarm, fault, language);
  const when = (time: string) => formatDayClock(Date.parse(time), locale, zone);
  return (
    <li className="alarm" data-severity={alarm.severity} data-active={isActive(alarm)}>
      <span className="alarm-mark" aria-hidden="true" />
      <div className="alarm-body">
        <p className="alarm-text">
          <span className="visually-hidden">{t(`severity.${alarm.severity}`)}: </span>
          {words.text || alarm.code}
        </p>
        {isActive(alarm) && <Explanation words={words} />}
        <p className="dim">
          {alarm.component} · {t('alarms.since', { time: when(alarm.raised_at) })}
          {alarm.cleared_at != null &&
            ` · ${t('alarms.cleared', { time: when(alarm.cleared_at) })}`}
          {isAcknowledged(alarm) &&
            ` · ${t('alarms.acknowledged', { by: alarm.acknowledged_by ?? '–' })}`}
        </p>
        {fault?.latched === true && (
          <p className="fault-state">
            {t(fault.clearable ? 'fault.waits' : 'fault.stands')} <code>{fault.code}</code>
          </p>
        )}
      </div>
      <div className="alarm-buttons">
        {fault?.latched === true && (
          <button
            type="button"
            className="button"
            disabled={!fault.clearable}
            onClick={() => onClear(fault)}
          >
            {t('fault.clear')}
          </button>
        )}
        {isActive(alarm) && !isAcknowledged(alarm) && (
          <button type="button" className="button" onClick={onAcknowledge}>
            {t('alarms.acknowledge')}
          </button>
        )}
      </div>
    </li>
  );
}
