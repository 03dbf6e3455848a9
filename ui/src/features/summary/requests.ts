import { useQuery } from '@tanstack/react-query';

import { get } from '@/shared/api/client';
import type { EnergySummary } from '@/shared/api/model';
import { rangeAt } from '@/shared/time/range';
import { useNow } from '@/shared/time/useNow';

/** Energy since the site's midnight. */
export function useToday(site: string, zone: string) {
  const { from, to } = rangeAt('day', useNow(60_000), zone);
  return useQuery({
    queryKey: ['summary', site, from, to],
    queryFn: ({ signal }) =>
      get<EnergySummary>(
        `/sites/${encodeURIComponent(site)}/summary`,
        { from: new Date(from).toISOString(), to: new Date(to).toISOString() },
        signal,
      ),
    refetchInterval: 60_000,
  });
}
