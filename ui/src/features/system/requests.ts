import { useQuery } from '@tanstack/react-query';

import { get } from '@/shared/api/client';
import type { CycleHealth, SyncStatus } from '@/shared/api/model';

export function useCycleHealth() {
  return useQuery({
    queryKey: ['cycle'],
    queryFn: ({ signal }) => get<CycleHealth>('/cycle', {}, signal),
    refetchInterval: 2000,
  });
}

export function useSync() {
  return useQuery({
    queryKey: ['sync'],
    queryFn: ({ signal }) => get<SyncStatus>('/sync', {}, signal),
    refetchInterval: 2000,
  });
}
