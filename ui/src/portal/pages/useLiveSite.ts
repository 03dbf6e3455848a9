import { useQueryClient } from '@tanstack/react-query';

import { useSession } from '@/features/session/store';
import { freshness, type Freshness } from '@/shared/live/freshness';
import { readLive } from '@/shared/live/message';
import { useConnection } from '@/shared/live/useConnection';
import { latestKey, useLatest, useSite } from '@/shared/site/requests';
import { latestTime_ms } from '@/shared/site/topology';
import { useNow } from '@/shared/time/useNow';

/** A site with its newest values, kept live. */
export function useLiveSite(id: string) {
  const base = `/sites/${encodeURIComponent(id)}`;
  const client = useQueryClient();
  const site = useSite(base);
  const latest = useLatest(base);
  const token = useSession((session) => session.token);
  const link = useConnection(id, {
    greeting: () => ({ token, site_id: id }),
    // An ended session shows as 401 here and signs out; any other refusal is told by the site's own calls.
    onRefused: () => void client.invalidateQueries({ queryKey: ['me'] }),
    onMessage: (raw) => {
      const message = readLive(raw);
      if (message?.type === 'latest') client.setQueryData(latestKey(base), message.latest);
      if (message?.type === 'alarms') void client.invalidateQueries({ queryKey: ['alarms'] });
    },
  });
  const now_ms = useNow(500);
  const time_ms = latestTime_ms(latest.data);
  const state: Freshness = freshness({ time_ms, now_ms, online: site.data?.online ?? true });
  return { base, site, latest, link, state, time_ms, now_ms };
}
