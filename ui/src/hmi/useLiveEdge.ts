import { useQueryClient } from '@tanstack/react-query';

import { freshness } from '@/shared/live/freshness';
import { readLive } from '@/shared/live/message';
import { useConnection } from '@/shared/live/useConnection';
import { latestKey, useLatest, useOwnSite } from '@/shared/site/requests';
import { latestTime_ms } from '@/shared/site/topology';
import { useNow } from '@/shared/time/useNow';

/** The control cycle publishes ten times a second: silence of seconds means that it stands. */
const STALE_AFTER_S = 3;

/** This box's site with its newest values, kept live. */
export function useLiveEdge() {
  const client = useQueryClient();
  const site = useOwnSite();
  const latest = useLatest('');
  const link = useConnection('edge', {
    greeting: () => null,
    onRefused: () => undefined,
    onMessage: (raw) => {
      const message = readLive(raw);
      if (message?.type === 'latest') client.setQueryData(latestKey(''), message.latest);
    },
  });
  const now_ms = useNow(1000);
  const time_ms = latestTime_ms(latest.data);
  return {
    site,
    latest,
    link,
    time_ms,
    now_ms,
    state: freshness({ time_ms, now_ms, online: true, staleAfter_s: STALE_AFTER_S }),
  };
}
