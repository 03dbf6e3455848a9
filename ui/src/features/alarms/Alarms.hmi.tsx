import { useState } from 'react';

import type { Fault } from '@/shared/api/model';
import { ApiError } from '@/shared/api/problem';
import { useT } from '@/shared/i18n/useT';
import { ErrorText } from '@/shared/parts/ErrorText';
import { usePin } from '@/shared/pin/store';

import { AlarmRow } from './AlarmRow.hmi';
import { ConfirmClear } from './ConfirmClear.hmi';

import './alarms.css';
import { faultOf, latchedFirst } from './faults';
import { isActive, sortAlarms } from './order';
import { useAcknowledge, useAlarms, useClearFault, useFaults } from './requests';

/** Acknowledging and clearing ask for the PIN first; clearing for a second touch as well. */
export function Alarms({ zone }: { zone: string }) {
  const { t, language } = useT();
  const alarms = useAlarms('/alarms');
  const faults = useFaults();
  const acknowledge = useAcknowledge();
  const clear = useClearFault();
  const [asked, setAsked] = useState<Fault | null>(null);
  const withPin = usePin((pin) => pin.require);
  if (alarms.isPending) return <div className="page skeleton" />;
  const standing = faults.data ?? [];
  const shown = latchedFirst(sortAlarms(alarms.data ?? []), standing).slice(0, 30);
  const known = alarms.data !== undefined && faults.data !== undefined;
  const failed = alarms.error ?? faults.error ?? told(acknowledge.error) ?? told(clear.error);
  return (
    <div className="page">
      <h2 className="page-title">
        {t('alarms.count', {
          count: alarms.data === undefined ? '–' : shown.filter(isActive).length,
        })}
      </h2>
      {failed !== null && (
        <p className="note" role="alert">
          <ErrorText error={failed} />
        </p>
      )}
      {known && shown.length === 0 && <p className="note">{t('alarms.none')}</p>}
      <ul className="alarms">
        {shown.map((alarm) => (
          <AlarmRow
            key={alarm.id}
            alarm={alarm}
            fault={faultOf(alarm, standing)}
            zone={zone}
            onAcknowledge={() => withPin(() => acknowledge.mutate(alarm))}
            onClear={(fault) => withPin(() => setAsked(fault))}
          />
        ))}
      </ul>
      {asked !== null && (
        <ConfirmClear
          fault={asked}
          text={asked.translations[language]?.text ?? asked.text}
          onCancel={() => setAsked(null)}
          onConfirm={() => {
            clear.mutate(asked);
            setAsked(null);
          }}
        />
      )}
    </div>
  );
}

/** An ended PIN session is no failure to show: the next touch asks again. */
const told = (error: Error | null): Error | null =>
  error instanceof ApiError && error.status === 401 ? null : error;
