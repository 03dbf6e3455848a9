import { Alert } from '@mantine/core';

import type { CloudSite } from '@/shared/api/model';
import { formatAge, formatDayClock } from '@/shared/format/time';
import { useT } from '@/shared/i18n/useT';
import type { LinkState } from '@/shared/live/connection';
import { ageSeconds } from '@/shared/live/freshness';

interface Props {
  site: CloudSite;
  link: LinkState;
  time_ms: number | null;
  now_ms: number;
}

/** Last contact, and what still works. */
export function OfflineBanner({ site, link, time_ms, now_ms }: Props) {
  const { t, locale } = useT();
  const seen = site.last_seen_at === null ? time_ms : Date.parse(site.last_seen_at);
  const noServer = link === 'waiting';
  return (
    <Alert
      color="orange"
      mb={12}
      role="status"
      title={t(noServer ? 'offline.server' : 'offline.site')}
    >
      {seen === null
        ? t('offline.never')
        : t('offline.since', {
            time: formatDayClock(seen, locale, site.time_zone),
            age: formatAge(ageSeconds(seen, now_ms), locale),
          })}{' '}
      {t('offline.works')}
    </Alert>
  );
}
