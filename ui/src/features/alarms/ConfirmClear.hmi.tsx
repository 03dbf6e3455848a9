import { useEffect, useRef } from 'react';

import type { Fault } from '@/shared/api/model';
import { useT } from '@/shared/i18n/useT';

interface Props {
  fault: Fault;
  /** In the viewer's language. */
  text: string;
  onConfirm: () => void;
  onCancel: () => void;
}

/** The second touch: it stands elsewhere than the first and says what the site may do again. */
export function ConfirmClear({ fault, text, onConfirm, onCancel }: Props) {
  const { t } = useT();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="fault-confirm"
      aria-labelledby="fault-confirm-title"
      onCancel={onCancel}
    >
      <h2 id="fault-confirm-title">{t('fault.confirm', { text })}</h2>
      <p className="dim">{t(`fault.allows.${fault.direction}`)}</p>
      <div className="fault-confirm-buttons">
        <button type="button" className="button act" onClick={onConfirm}>
          {t('fault.clear')}
        </button>
        <button type="button" className="button" onClick={onCancel}>
          {t('action.cancel')}
        </button>
      </div>
    </dialog>
  );
}
