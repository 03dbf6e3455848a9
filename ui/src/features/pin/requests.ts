import { post } from '@/shared/api/client';
import { ApiError } from '@/shared/api/problem';
import { formatDuration } from '@/shared/format/time';
import type { Translate } from '@/shared/i18n/useT';

interface Token {
  access_token: string;
  expires_in: number;
}

export const requestPinToken = (pin: string): Promise<Token> => post<Token>('/auth/pin', { pin });

export function pinError(error: unknown, t: Translate): string {
  if (!(error instanceof ApiError)) return t('error.unexpected');
  if (error.unreachable) return t('error.unreachable');
  if (error.status === 429) {
    return t('pin.locked', { wait: formatDuration(error.retryAfter_s ?? 60) });
  }
  return error.status === 401 ? t('pin.wrong') : error.message;
}
