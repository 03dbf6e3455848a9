import { formatPercent, joined, powerText } from '@/shared/format/quantity';
import { formatClock, formatDayClock, formatDuration } from '@/shared/format/time';
import type { Translate } from '@/shared/i18n/useT';
import type { Span } from '@/shared/time/range';

import { bounds, largest, type PowerSeries } from './series';

export interface FindingContext {
  t: Translate;
  locale: string;
  zone: string;
  span: Span;
}

/** Noise of the meter is no breach: up to 1 % above the limit is at it, not over it. */
const BAND = 1.01;

/** The title of the power chart: what there is to see, not what is drawn. */
export function powerFinding(
  series: PowerSeries,
  threshold_w: number | null,
  { t, locale, zone, span }: FindingContext,
): string {
  const peak = largest(series.times, series.grid);
  if (peak === null || peak.value <= 0) return t('history.noImport');
  const time = (span === 'day' ? formatClock : formatDayClock)(peak.time, locale, zone);
  const params = {
    power: powerText(peak.value, locale),
    time,
    mean: formatDuration(series.resolution_s),
    limit: powerText(threshold_w, locale),
  };
  if (threshold_w === null) return t('history.peak', params);
  if (peak.value > threshold_w * BAND) return t('history.peakOver', params);
  return t(peak.value > threshold_w ? 'history.peakAt' : 'history.peakUnder', params);
}

export function socFinding(series: PowerSeries, { t, locale }: FindingContext): string {
  const range = bounds(series.soc);
  if (range === null) return t('history.noSoc');
  return t('history.socBetween', {
    low: joined(formatPercent(range.low, locale)),
    high: joined(formatPercent(range.high, locale)),
  });
}
