import type { SyncStatus } from '@/shared/api/model';
import { useT } from '@/shared/i18n/useT';
import { wordOf } from '@/shared/i18n/words';
import { Age } from '@/shared/parts/Age';
import { useNow } from '@/shared/time/useNow';

/** Link to the cloud and what waits for it. Control never depends on it. */
export function SyncPanel({ sync }: { sync: SyncStatus }) {
  const { t } = useT();
  const now_ms = useNow(1000);
  return (
    <dl className="facts">
      <div>
        <dt>{t('sync.link')}</dt>
        <dd>{wordOf('link', sync.link, t)}</dd>
      </div>
      <div>
        <dt>{t('sync.queue')}</dt>
        <dd className="number">{sync.queue_frames}</dd>
      </div>
      <div>
        <dt>{t('sync.oldest')}</dt>
        <dd>
          <Age time={sync.oldest_unsent_at ?? null} now_ms={now_ms} />
        </dd>
      </div>
      <div>
        <dt>{t('sync.lastAck')}</dt>
        <dd>
          <Age time={sync.last_ack_at ?? null} now_ms={now_ms} />
        </dd>
      </div>
    </dl>
  );
}
