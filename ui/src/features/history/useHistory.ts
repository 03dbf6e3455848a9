import { keepPreviousData, useQuery } from '@tanstack/react-query';

import { get } from '@/shared/api/client';
import type { History } from '@/shared/api/model';
import type { Range } from '@/shared/time/range';
import { serverNow } from '@/shared/time/serverClock';

export interface HistoryRequest {
  /** `/sites/{id}` on the cloud, empty on the edge. */
  base: string;
  channels: readonly string[];
  range: Pick<Range, 'from' | 'to'>;
  max_points?: number;
}

const REFRESH_MS = 30_000;

/** Recorded values of a range; renewed while the range is still running. */
export function useHistory({ base, channels, range, max_points = 720 }: HistoryRequest) {
  const running = serverNow() < range.to;
  return useQuery({
    queryKey: ['history', base, channels, range.from, range.to, max_points],
    queryFn: ({ signal }) =>
      get<History>(
        `${base}/history`,
        {
          channel: channels,
          from: new Date(range.from).toISOString(),
          to: new Date(range.to).toISOString(),
          max_points,
        },
        signal,
      ),
    enabled: channels.length > 0,
    placeholderData: keepPreviousData,
    refetchInterval: running ? REFRESH_MS : false,
    staleTime: running ? REFRESH_MS / 2 : Infinity,
  });
}
