import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { act, get, post, remove } from '@/shared/api/client';
import type { OwnSession, RecoveryCodes, SecondFactorSecret } from '@/shared/api/model';

export function useSessions() {
  return useQuery({
    queryKey: ['me', 'sessions'],
    queryFn: ({ signal }) => get<OwnSession[]>('/me/sessions', {}, signal),
  });
}

/** Whatever changes the account changes what is known of the person. */
function useChange<T, R>(change: (wanted: T) => Promise<R>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () => client.invalidateQueries({ queryKey: ['me'] }),
  });
}

export const useEndSession = () =>
  useChange((id: string) => remove(`/me/sessions/${encodeURIComponent(id)}`));

export const useChangePassword = () =>
  useChange((change: { password: string; new_password: string }) => act('/me/password', change));

/** A secret for an authenticator application; not in force before it is confirmed. */
export const useEnrol = () =>
  useMutation({
    mutationFn: (password: string) => post<SecondFactorSecret>('/me/second-factor', { password }),
  });

/** In force from then on. What is known of the person is asked anew by whoever has shown the codes. */
export const useConfirm = () =>
  useMutation({
    mutationFn: (code: string) => post<RecoveryCodes>('/me/second-factor/confirm', { code }),
  });

export const useRemoveSecondFactor = () =>
  useChange((password: string) => act('/me/second-factor/remove', { password }));
