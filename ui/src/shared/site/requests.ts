import { useQuery } from '@tanstack/react-query';

import { get } from '@/shared/api/client';
import type { CloudSite, Latest, Site } from '@/shared/api/model';

export const latestKey = (base: string) => ['latest', base] as const;

export function useSite(base: string, enabled = true) {
  return useQuery({
    queryKey: ['site', base],
    queryFn: ({ signal }) => get<CloudSite>(base, {}, signal),
    enabled,
    refetchInterval: 30_000,
  });
}

/** What stands on this site, from the edge itself; tried until it answers. */
export function useOwnSite() {
  return useQuery({
    queryKey: ['site'],
    queryFn: ({ signal }) => get<Site>('/site', {}, signal),
    retry: true,
    retryDelay: 2000,
    refetchInterval: 60_000,
  });
}

/** Newest values: asked for once, then pushed into the cache by the live connection. */
export function useLatest(base: string) {
  return useQuery({
    queryKey: latestKey(base),
    queryFn: ({ signal }) => get<Latest>(`${base}/latest`, {}, signal),
    staleTime: Infinity,
    retry: 2,
  });
}
