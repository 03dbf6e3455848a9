import { ApiError } from '@/shared/api/problem';
import { formatDuration } from '@/shared/format/time';
import type { Translate } from '@/shared/i18n/useT';

/** What a person at the sign-in page needs to know; a locked account says for how long. */
export function signInError(error: unknown, t: Translate, withCode = false): string {
  if (!(error instanceof ApiError)) return t('error.unexpected');
  if (error.unreachable) return t('error.unreachable');
  if (error.status === 429 || error.status === 423) {
    const wait_s = error.retryAfter_s;
    return wait_s === null
      ? t('signIn.locked')
      : t('signIn.lockedFor', { wait: formatDuration(wait_s) });
  }
  if (error.status === 401 || error.status === 400)
    return t(withCode ? 'signIn.wrongWithCode' : 'signIn.wrong');
  return error.message;
}
