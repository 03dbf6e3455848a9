import { useCallback, useRef } from 'react';

import type { History, Site } from '@/shared/api/model';
import { useT } from '@/shared/i18n/useT';
import { peakThreshold } from '@/shared/site/topology';
import type { Range } from '@/shared/time/range';
import { useNow } from '@/shared/time/useNow';

import { EChart, type ChartHandle } from './EChart.portal';
import type { Palette } from './colours';
import { powerFinding, socFinding } from './finding';
import { powerOption, socOption } from './options';
import type { PowerSeries } from './series';

export interface ChartsProps {
  site: Site;
  history: History;
  series: PowerSeries;
  range: Range;
  theme: string;
  onPng: (handle: { png: () => string | null }) => void;
}

/** Power above, state of charge below, one hover line through both. */
export default function HistoryCharts({ site, series, range, theme, onPng }: ChartsProps) {
  const { t, locale } = useT();
  const now = useNow(60_000);
  const zone = site.time_zone;
  const threshold_w = peakThreshold(site);
  const finding = { t, locale, zone, span: range.span };
  const power = powerFinding(series, threshold_w, finding);
  const soc = socFinding(series, finding);
  const context = useCallback(
    (palette: Palette) => ({ t, locale, zone, range, now, palette }),
    [t, locale, zone, range, now],
  );
  const powerChart = useCallback(
    (palette: Palette) => powerOption(series, threshold_w, context(palette)),
    [series, threshold_w, context],
  );
  const socChart = useCallback(
    (palette: Palette) => socOption(series, context(palette)),
    [series, context],
  );
  const handle = useRef<ChartHandle | null>(null);
  const keep = useCallback(
    (made: ChartHandle | null) => {
      handle.current = made;
      onPng({ png: () => handle.current?.png() ?? null });
    },
    [onPng],
  );
  return (
    <>
      <h3 className="chart-title">{power}</h3>
      <EChart
        ref={keep}
        height={250}
        group={site.id}
        label={power}
        theme={theme}
        option={powerChart}
      />
      <h3 className="chart-title">{soc}</h3>
      <EChart height={130} group={site.id} label={soc} theme={theme} option={socChart} />
    </>
  );
}
