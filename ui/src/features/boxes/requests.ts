import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { get, post, remove } from '@/shared/api/client';
import type { Box, Claim, ClaimRequest } from '@/shared/api/model';

/** A box asks every few seconds to half a minute; whoever waits for one looks more often. */
const LOOK_MS = 5000;
const WAIT_MS = 2000;
const claimPath = (id: string, verb: string) =>
  `/device-claims/${encodeURIComponent(id)}${verb === '' ? '' : `/${verb}`}`;

export function useBoxes() {
  return useQuery({
    queryKey: ['boxes'],
    queryFn: ({ signal }) => get<Box[]>('/devices', {}, signal),
    refetchInterval: LOOK_MS,
  });
}

export function useClaims(waiting = false) {
  return useQuery({
    queryKey: ['boxes', 'claims'],
    queryFn: ({ signal }) => get<Claim[]>('/device-claims', {}, signal),
    refetchInterval: waiting ? WAIT_MS : LOOK_MS,
  });
}

/** Whatever changes a box changes the list of them. */
function useChange<T, R>(change: (wanted: T) => Promise<R>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSettled: () => client.invalidateQueries({ queryKey: ['boxes'] }),
  });
}

export const useEnterCode = () =>
  useChange((request: ClaimRequest) => post<Claim>('/device-claims', request));

/** `fingerprint`: as the screen of the box shows it. */
export const useApprove = () =>
  useChange(({ id, fingerprint }: { id: string; fingerprint: string }) =>
    post<Claim>(claimPath(id, 'approve'), { fingerprint }),
  );

export const useRefuse = () =>
  useChange((id: string) => post<Claim>(claimPath(id, 'refuse'), { reason: '' }));

export const useWithdraw = () => useChange((id: string) => remove(claimPath(id, '')));

export const useRevoke = () =>
  useChange((id: string) => post<Box>(`/devices/${encodeURIComponent(id)}/revoke`));
