import { formatPercent, formatScaled, joined, powerText } from '@/shared/format/quantity';
import { formatClock, formatDay, formatDayClock } from '@/shared/format/time';
import type { Key } from '@/shared/i18n/en';
import type { Translate } from '@/shared/i18n/useT';
import { ticks, type Range } from '@/shared/time/range';

import type { Palette } from './colours';
import type { EChartsCoreOption } from './echarts';
import type { Band, Point, PowerSeries } from './series';

export interface ChartContext {
  t: Translate;
  locale: string;
  zone: string;
  range: Range;
  now: number;
  palette: Palette;
}

type Pair = [number, Point];
const pairs = (times: number[], values: Point[]): Pair[] =>
  times.map((time, index) => [time, values[index] ?? null]);

function timeAxis({ range, zone, locale, palette }: ChartContext, labelled: boolean) {
  const places = ticks(range, zone);
  const label = range.span === 'day' ? formatClock : formatDay;
  return {
    type: 'value',
    min: range.from,
    max: range.to,
    axisTick: { customValues: places, lineStyle: { color: palette.line } },
    axisLabel: {
      show: labelled,
      customValues: places,
      color: palette.muted,
      hideOverlap: true,
      formatter: (value: number) => label(value, locale, zone),
    },
    axisLine: { onZero: false, lineStyle: { color: palette.line } },
    splitLine: { show: true, lineStyle: { color: palette.line, opacity: 0.5 } },
    axisPointer: { label: { show: false }, lineStyle: { color: palette.muted } },
  };
}

function nowLine({ now, range, t, palette }: ChartContext) {
  if (now < range.from || now > range.to) return [];
  return [
    {
      xAxis: now,
      lineStyle: { color: palette.muted, type: 'solid', width: 1 },
      label: {
        formatter: t('history.now'),
        color: palette.muted,
        position: 'end',
        rotate: 0,
      },
    },
  ];
}

const markLine = (data: unknown[]) => ({ symbol: 'none', silent: true, animation: false, data });

function base(context: ChartContext): EChartsCoreOption {
  const { palette } = context;
  return {
    animation: false,
    textStyle: { fontFamily: 'Inter Variable, system-ui, sans-serif', color: palette.text },
    tooltip: {
      trigger: 'axis',
      confine: true,
      transitionDuration: 0,
      backgroundColor: palette.surface,
      borderColor: palette.line,
      textStyle: { color: palette.text, fontSize: 12 },
    },
  };
}

function bandSeries(band: Band, times: number[], palette: Palette) {
  const colour = palette.band(band.id);
  const faint = band.id === 'charge' || band.id === 'export';
  return {
    id: band.id,
    type: 'line',
    stack: band.side,
    stackStrategy: 'all',
    symbol: 'none',
    lineStyle: { width: 0 },
    itemStyle: { color: colour },
    areaStyle: { color: colour, opacity: faint ? 0.5 : 0.8 },
    emphasis: { disabled: true },
    data: pairs(times, band.values),
  };
}

interface TooltipItem {
  seriesId?: string;
  value: Pair;
  marker?: string;
}

/** Rows of all series at one instant: name left, size right. */
function tooltipHtml(context: ChartContext, at: number, rows: [string, string, string][]): string {
  const head = formatDayClock(at, context.locale, context.zone);
  const lines = rows.map(
    ([marker, name, size]) =>
      `<tr><td>${marker}${name}</td><td style="text-align:right;padding-left:16px;font-variant-numeric:tabular-nums">${size}</td></tr>`,
  );
  return `<div style="color:${context.palette.muted}">${head}</div><table>${lines.join('')}</table>`;
}

export function powerOption(
  series: PowerSeries,
  threshold_w: number | null,
  context: ChartContext,
): EChartsCoreOption {
  const { palette, locale, t } = context;
  const limit = {
    yAxis: threshold_w,
    lineStyle: { color: palette.alarm, type: 'dashed', width: 1.5 },
    label: {
      formatter: t('history.limit', { power: powerText(threshold_w, locale) }),
      position: 'insideEndTop',
      color: palette.text,
    },
  };
  const marks = [...(threshold_w === null ? [] : [limit]), ...nowLine(context)];
  return {
    ...base(context),
    grid: { left: 64, right: 16, top: 20, bottom: 26 },
    xAxis: timeAxis(context, true),
    yAxis: {
      type: 'value',
      max: ({ max }: { max: number }) => niceCeiling(Math.max(max, (threshold_w ?? 0) * 1.05)),
      axisLabel: {
        color: palette.muted,
        showMaxLabel: false,
        formatter: (value: number) => joined(formatScaled(Math.abs(value), 'W', locale)),
      },
      splitLine: { lineStyle: { color: palette.line, opacity: 0.5 } },
    },
    tooltip: {
      ...(base(context).tooltip as object),
      formatter: (items: TooltipItem[]) => powerTooltip(context, series, items),
    },
    series: [
      ...series.bands.map((band) => bandSeries(band, series.times, palette)),
      {
        id: 'net',
        type: 'line',
        symbol: 'none',
        lineStyle: { color: palette.text, width: 1.2 },
        itemStyle: { color: palette.text },
        emphasis: { disabled: true },
        data: pairs(series.times, series.grid),
        markLine: markLine(marks),
      },
    ],
  };
}

function powerTooltip(context: ChartContext, series: PowerSeries, items: TooltipItem[]): string {
  const at = items[0]?.value[0];
  if (at === undefined) return '';
  const index = series.times.indexOf(at);
  const rows = items
    .filter((item) => item.seriesId !== 'net')
    .map((item): [string, string, string] => [
      item.marker ?? '',
      context.t(`band.${item.seriesId ?? 'import'}` as Key),
      size(item.value[1], context.locale),
    ]);
  const soc = series.soc[index] ?? null;
  if (soc !== null)
    rows.push(['', context.t('soc.short'), joined(formatPercent(soc, context.locale))]);
  return tooltipHtml(context, at, rows);
}

/** Rounds an axis' end up to a fifth of its power of ten: 63 -> 80, 412 -> 420. */
export function niceCeiling(value: number): number {
  if (value <= 0) return 0;
  const step = 10 ** Math.floor(Math.log10(value)) / 5;
  return Math.ceil(value / step) * step;
}

const size = (value: Point, locale: string): string =>
  value === null ? '–' : powerText(value, locale);

export function socOption(series: PowerSeries, context: ChartContext): EChartsCoreOption {
  const { palette, locale, t } = context;
  return {
    ...base(context),
    grid: { left: 64, right: 16, top: 20, bottom: 26 },
    xAxis: timeAxis(context, true),
    yAxis: {
      type: 'value',
      min: 0,
      max: 100,
      interval: 50,
      axisLabel: { color: palette.muted, formatter: '{value} %' },
      splitLine: { lineStyle: { color: palette.line, opacity: 0.5 } },
    },
    tooltip: {
      ...(base(context).tooltip as object),
      formatter: (items: TooltipItem[]) => {
        const item = items[0];
        if (item === undefined) return '';
        const soc = joined(formatPercent(item.value[1], locale, 1));
        return tooltipHtml(context, item.value[0], [['', t('soc.long'), soc]]);
      },
    },
    series: [
      {
        id: 'soc',
        type: 'line',
        symbol: 'none',
        lineStyle: { color: palette.battery, width: 2 },
        areaStyle: { color: palette.battery, opacity: 0.18 },
        itemStyle: { color: palette.battery },
        emphasis: { disabled: true },
        data: pairs(series.times, series.soc),
        markLine: markLine(nowLine(context)),
      },
    ],
  };
}
