import { useQuery } from '@tanstack/react-query';

import { get } from '@/shared/api/client';
import type { ClaimCode, CycleHealth, DeviceIdentity, SyncStatus } from '@/shared/api/model';

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

export function useIdentity() {
  return useQuery({
    queryKey: ['identity'],
    queryFn: ({ signal }) => get<DeviceIdentity>('/identity', {}, signal),
    refetchInterval: 5000,
  });
}

/** Needs the PIN; asked for once, never kept. */
export function fetchClaim(): Promise<ClaimCode> {
  return get<ClaimCode>('/identity/claim');
}
