import { isActive } from '@/features/alarms/order';
import { useAlarms } from '@/features/alarms/requests';
import { useSync } from '@/features/system/requests';
import { formatAge, formatClock } from '@/shared/format/time';
import { useT } from '@/shared/i18n/useT';
import { stateText, wordOf } from '@/shared/i18n/words';
import { ageSeconds } from '@/shared/live/freshness';

import type { useLiveEdge } from './useLiveEdge';

interface Props {
  live: ReturnType<typeof useLiveEdge>;
  zone: string | undefined;
  onAlarms: () => void;
}

/** 56 px: time, state, cloud, alarms. */
export function Bar({ live, zone, onAlarms }: Props) {
  const { t, locale } = useT();
  const latest = live.latest.data;
  return (
    <header className="bar">
      <time className="bar-clock number">{formatClock(live.now_ms, locale, zone)}</time>
      <span className="bar-state" data-testid="state">
        {stateText(latest?.state ?? null, latest?.control_mode ?? null, t)}
      </span>
      {live.state !== 'live' && live.time_ms !== null && (
        <span className="bar-stale" role="status">
          {t('hmi.stale', { age: formatAge(ageSeconds(live.time_ms, live.now_ms), locale) })}
        </span>
      )}
      <Cloud />
      <AlarmCount onAlarms={onAlarms} />
    </header>
  );
}

function Cloud() {
  const { t } = useT();
  const sync = useSync().data;
  if (sync === undefined || sync.link === 'unconfigured') return <span className="bar-cloud" />;
  const queued =
    sync.queue_frames > 0 ? ` · ${t('sync.queued', { count: sync.queue_frames })}` : '';
  return (
    <span className="bar-cloud" data-link={sync.link}>
      {t('sync.cloud')} {wordOf('link', sync.link, t).toLowerCase()}
      {queued}
    </span>
  );
}

function AlarmCount({ onAlarms }: { onAlarms: () => void }) {
  const { t } = useT();
  const alarms = useAlarms('/alarms', true);
  const count = alarms.data?.filter(isActive).length;
  return (
    <button type="button" className="bar-alarms" data-count={count ?? 0} onClick={onAlarms}>
      {count !== undefined && count > 0 && <span aria-hidden="true">! </span>}
      {t('alarms.count', { count: count ?? '–' })}
    </button>
  );
}
