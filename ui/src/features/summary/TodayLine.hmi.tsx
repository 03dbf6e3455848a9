import { useQuery } from '@tanstack/react-query';

import { get } from '@/shared/api/client';
import type { History, Site } from '@/shared/api/model';
import { energyText } from '@/shared/format/quantity';
import { useT } from '@/shared/i18n/useT';
import { topologyOf } from '@/shared/site/topology';
import { rangeAt } from '@/shared/time/range';
import { useNow } from '@/shared/time/useNow';

import { energyByDirection } from './today';

/** Energy in and out since the site's midnight, from the box's own record. */
export function TodayLine({ site }: { site: Site }) {
  const { t, locale } = useT();
  const channel = topologyOf(site).grid;
  const minute = Math.floor(useNow(30_000) / 60_000) * 60_000;
  const { from } = rangeAt('day', minute, site.time_zone);
  const today = useQuery({
    queryKey: ['today', channel, from],
    queryFn: ({ signal }) =>
      get<History>(
        '/history',
        {
          channel: channel ?? '',
          from: new Date(from).toISOString(),
          to: new Date().toISOString(),
          max_points: 1440,
        },
        signal,
      ),
    enabled: channel !== null,
    refetchInterval: 60_000,
  });
  if (channel === null || today.isPending) return <p className="today">&nbsp;</p>;
  const known = today.data === undefined ? null : energyByDirection(today.data, channel);
  return (
    <dl className="today">
      <div>
        <dt>{t('today.importToday')}</dt>
        <dd className="number">{energyText(known?.import_wh ?? null, locale)}</dd>
      </div>
      <div>
        <dt>{t('today.exportToday')}</dt>
        <dd className="number">{energyText(known?.export_wh ?? null, locale)}</dd>
      </div>
    </dl>
  );
}
