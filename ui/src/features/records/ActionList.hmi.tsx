import { useState } from 'react';

import type { Action } from '@/shared/api/model';
import { formatDayTime } from '@/shared/format/time';
import { knownKey, useT } from '@/shared/i18n/useT';
import { Known } from '@/shared/parts/Known';

import './records.css';
import { useActions } from './requests';

const FEW = 50;
const MANY = 500;
/** Codes of what somebody wanted and did not get. */
const REFUSED = /(refused|rejected|forged|expired|not_obeyed)$/;

/** Who did what at this box, here and from the cloud, and what became of it. */
export function ActionList({ zone }: { zone: string }) {
  const { t } = useT();
  const [limit, setLimit] = useState(FEW);
  return (
    <Known asked={useActions(limit)} failed={t('actions.failed')} height={240}>
      {(actions) =>
        actions.length === 0 ? (
          <p className="note">{t('actions.empty')}</p>
        ) : (
          <>
            <ul className="records">
              {actions.map((action) => (
                <ActionRow key={action.id} action={action} zone={zone} />
              ))}
            </ul>
            {limit === FEW && actions.length === FEW && (
              <button type="button" className="button wide" onClick={() => setLimit(MANY)}>
                {t('actions.older')}
              </button>
            )}
          </>
        )
      }
    </Known>
  );
}

function ActionRow({ action, zone }: { action: Action; zone: string }) {
  const { t, locale } = useT();
  const key = knownKey(`actions.code.${action.code}`);
  return (
    <li data-refused={REFUSED.test(action.code)}>
      <span className="record-head">
        <strong>{key === null ? action.text : t(key)}</strong>
        <time className="number dim">{formatDayTime(Date.parse(action.time), locale, zone)}</time>
      </span>
      {key !== null && <span className="record-text">{action.text}</span>}
      <span className="dim">{t('actions.by', { actor: action.actor || '–' })}</span>
    </li>
  );
}
