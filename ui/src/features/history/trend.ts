import type { Translate } from '@/shared/i18n/useT';

import type { Point, PowerSeries } from './series';

export interface TrendLine {
  label: string;
  /** Name of the colour's CSS variable. */
  colour: string;
  values: Point[];
  dashed?: boolean;
}

export interface Trend {
  times: number[];
  lines: TrendLine[];
  unit: 'W' | '%';
}

const band = (series: PowerSeries, id: string): Point[] | null =>
  series.bands.find((item) => item.id === id)?.values ?? null;

/** Signed battery power, discharge positive, from its two bands. */
function battery(series: PowerSeries): Point[] | null {
  const out = band(series, 'discharge');
  const back = band(series, 'charge');
  if (out === null || back === null) return null;
  return out.map((value, index) => {
    const other = back[index] ?? null;
    return value === null || other === null ? null : value + other;
  });
}

const flipped = (values: Point[] | null): Point[] | null =>
  values?.map((value) => (value === null ? null : Math.abs(value))) ?? null;

export function powerTrend(series: PowerSeries, threshold_w: number | null, t: Translate): Trend {
  const candidates: [string, string, Point[] | null][] = [
    [t('node.grid'), '--grid', series.grid],
    [t('node.pv'), '--pv', band(series, 'pv')],
    [t('node.ess'), '--battery', battery(series)],
    [t('node.load'), '--load', flipped(band(series, 'load'))],
    [t('node.evcs'), '--ev', flipped(band(series, 'ev'))],
  ];
  const lines = candidates.flatMap(([label, colour, values]): TrendLine[] =>
    values === null ? [] : [{ label, colour, values }],
  );
  if (threshold_w !== null) {
    const values = series.times.map(() => threshold_w);
    lines.push({ label: t('history.limitName'), colour: '--alarm', values, dashed: true });
  }
  return { times: series.times, lines, unit: 'W' };
}

export function socTrend(series: PowerSeries, t: Translate): Trend {
  const line = { label: t('soc.short'), colour: '--battery', values: series.soc };
  return { times: series.times, lines: [line], unit: '%' };
}
