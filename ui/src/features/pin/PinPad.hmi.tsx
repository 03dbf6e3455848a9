import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';

import { useT } from '@/shared/i18n/useT';
import { usePin } from '@/shared/pin/store';

import './pin.css';
import { pinError, requestPinToken } from './requests';

const DIGITS = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];
const MOST = 12;
/** A screen left alone locks itself before the server's token ends. */
const LIFETIME_S = 300;

/** Asks for the PIN whenever something wants to act; keys are 72 px. */
export function PinPad() {
  const { t } = useT();
  const { cancel, accept } = usePin();
  const [pin, setPin] = useState('');
  const dialog = useRef<HTMLDialogElement>(null);
  const attempt = useMutation({
    mutationFn: requestPinToken,
    onSuccess: (token) => accept(token.access_token, Math.min(LIFETIME_S, token.expires_in)),
    onError: () => setPin(''),
  });
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  const press = (digit: string) => {
    attempt.reset();
    setPin((old) => (old + digit).slice(0, MOST));
  };
  const submit = () => {
    if (pin !== '' && !attempt.isPending) attempt.mutate(pin);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (/^\d$/.test(event.key)) press(event.key);
    if (event.key === 'Backspace') setPin((old) => old.slice(0, -1));
    if (event.key === 'Enter' && event.target === dialog.current) submit();
  };
  return (
    // Keys typed on a real keyboard work as well; the dialog itself takes them.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <dialog
      ref={dialog}
      className="pin"
      aria-label={t('pin.title')}
      onCancel={cancel}
      onKeyDown={onKeyDown}
    >
      <div className="pin-side">
        <h2>{t('pin.title')}</h2>
        <p className="dim">{t('pin.why')}</p>
        <output className="pin-dots" aria-label={t('pin.entered', { count: pin.length })}>
          {'●'.repeat(pin.length) || '\u00a0'}
        </output>
        <p className="pin-error" role="alert">
          {attempt.isError ? pinError(attempt.error, t) : ''}
        </p>
        <button type="button" className="button" onClick={cancel}>
          {t('action.cancel')}
        </button>
      </div>
      <div className="pin-keys">
        {DIGITS.map((digit) => (
          <button key={digit} type="button" onClick={() => press(digit)}>
            {digit}
          </button>
        ))}
        <button
          type="button"
          aria-label={t('pin.erase')}
          onClick={() => setPin((old) => old.slice(0, -1))}
        >
          ⌫
        </button>
        <button type="button" onClick={() => press('0')}>
          0
        </button>
        <button
          type="button"
          className="pin-enter"
          disabled={pin === '' || attempt.isPending}
          onClick={submit}
        >
          {t('pin.enter')}
        </button>
      </div>
    </dialog>
  );
}
