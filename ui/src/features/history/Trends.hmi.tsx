import { useMemo, useState } from 'react';

import type { Site } from '@/shared/api/model';
import { useT } from '@/shared/i18n/useT';
import { ErrorText } from '@/shared/parts/ErrorText';
import { peakThreshold } from '@/shared/site/topology';
import { useNow } from '@/shared/time/useNow';

import { TrendChart } from './TrendChart.hmi';
import { powerFinding, socFinding } from './finding';
import './history.css';
import { chartChannels } from './plan';
import { hasData, powerSeries } from './series';
import { powerTrend, socTrend } from './trend';
import { useHistory } from './useHistory';

const HOURS = [1, 6, 24, 72] as const;

/** Power and state of charge of the last hours, from the box's own record. */
export function Trends({ site, theme }: { site: Site; theme: string }) {
  const { t, locale } = useT();
  const [hours, setHours] = useState<number>(24);
  const minute = useNow(60_000);
  const range = useMemo(() => {
    const to = Math.ceil(minute / 60_000) * 60_000;
    return { from: to - hours * 3_600_000, to };
  }, [minute, hours]);
  const { topology, channels } = useMemo(() => chartChannels(site), [site]);
  const history = useHistory({ base: '', channels, range, max_points: 480 });
  const series = useMemo(
    () => (history.data === undefined ? null : powerSeries(history.data, topology)),
    [history.data, topology],
  );
  const threshold_w = peakThreshold(site);
  const words = { t, locale, zone: site.time_zone, span: hours > 24 ? 'week' : 'day' } as const;
  const power = useMemo(
    () => (series === null ? null : powerTrend(series, threshold_w, t)),
    [series, threshold_w, t],
  );
  const soc = useMemo(() => (series === null ? null : socTrend(series, t)), [series, t]);
  const chart = { zone: site.time_zone, locale, theme, range };
  return (
    <div className="page page-trends">
      <div className="row">
        <h2 className="page-title">
          {series === null ? t('nav.trends') : powerFinding(series, threshold_w, words)}
        </h2>
        <div className="chips" role="group" aria-label={t('history.span')}>
          {HOURS.map((count) => (
            <button
              key={count}
              type="button"
              className="chip"
              aria-pressed={count === hours}
              onClick={() => setHours(count)}
            >
              {count} h
            </button>
          ))}
        </div>
      </div>
      {history.isError && (
        <p className="note">
          {t('history.failed')} <ErrorText error={history.error} />
        </p>
      )}
      {history.isPending && <div className="skeleton" style={{ height: 340 }} />}
      {series !== null && !hasData(series) && <p className="note">{t('history.empty')}</p>}
      {power !== null && soc !== null && series !== null && hasData(series) && (
        <>
          <TrendChart trend={power} height={248} {...chart} />
          <p className="trend-title">{socFinding(series, words)}</p>
          <TrendChart trend={soc} height={136} {...chart} />
        </>
      )}
    </div>
  );
}
