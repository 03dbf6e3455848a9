import { useT } from '@/shared/i18n/useT';

import type { Words } from './faults';

/** Why it is, what it does, what to do. */
export function Explanation({ words }: { words: Words }) {
  const { t } = useT();
  const rows = [
    ['cause', words.cause],
    ['effect', words.effect],
    ['remedy', words.remedy],
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
