import type { Alarm } from '@/shared/api/model';
import { useT } from '@/shared/i18n/useT';

/** Why it is, what it does, what to do. */
export function Explanation({ alarm }: { alarm: Alarm }) {
  const { t } = useT();
  const rows = [
    ['cause', alarm.cause],
    ['effect', alarm.effect],
    ['remedy', alarm.remedy],
  ] as const;
  return (
    <dl className="alarm-why">
      {rows
        .filter(([, text]) => text !== '')
        .map(([name, text]) => (
          <div key={name}>
            <dt>{t(`alarms.${name}`)}</dt>
            <dd>{text}</dd>
          </div>
        ))}
    </dl>
  );
}
