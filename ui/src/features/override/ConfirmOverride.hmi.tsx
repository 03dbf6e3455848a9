import { useEffect, useRef } from 'react';

import { useT } from '@/shared/i18n/useT';
import { useNow } from '@/shared/time/useNow';

import { consequence, type Draft } from './draft';

interface Props {
  draft: Draft;
  zone: string;
  busy: boolean;
  onConfirm: () => void;
  onCancel: () => void;
}

/** The second touch: it stands elsewhere than the first and says what will happen. */
export function ConfirmOverride({ draft, zone, busy, onConfirm, onCancel }: Props) {
  const { t, locale } = useT();
  const now_ms = useNow(1000);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog ref={dialog} className="confirm" aria-labelledby="confirm-title" onCancel={onCancel}>
      <h2 id="confirm-title">{consequence(draft, now_ms, { t, locale, zone })}</h2>
      <p className="dim">{t('override.guards')}</p>
      <div className="confirm-buttons">
        <button type="button" className="button act" disabled={busy} onClick={onConfirm}>
          {t(`override.start.${draft.action}`)}
        </button>
        <button type="button" className="button" onClick={onCancel}>
          {t('action.cancel')}
        </button>
      </div>
    </dialog>
  );
}
