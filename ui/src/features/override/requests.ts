import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { get, post, remove } from '@/shared/api/client';
import type { Override, OverrideRequest } from '@/shared/api/model';

export function useOverrides() {
  return useQuery({
    queryKey: ['overrides'],
    queryFn: ({ signal }) => get<Override[]>('/overrides', {}, signal),
    refetchInterval: 2000,
  });
}

export function useSetOverride() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (request: OverrideRequest) => post<Override>('/overrides', request),
    onSettled: () => client.invalidateQueries({ queryKey: ['overrides'] }),
  });
}

export function useCancelOverride() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (target: string) =>
      remove(`/overrides/${target.split('/').map(encodeURIComponent).join('/')}`),
    onSettled: () => client.invalidateQueries({ queryKey: ['overrides'] }),
  });
}
