import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

import { formatPercent, formatScaled, joined } from '@/shared/format/quantity';
import { formatDayClock } from '@/shared/format/time';

import type { Trend } from './trend';

interface Props {
  trend: Trend;
  height: number;
  zone: string;
  locale: string;
  theme: string;
  range: { from: number; to: number };
}

/** Lines over time on uPlot: light enough for the panel's processor. A finger on it reads all lines at once. */
export function TrendChart({ trend, height, zone, locale, theme, range }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const options = optionsOf(element, { trend, height, zone, locale, theme, range });
    const data: uPlot.AlignedData = [
      trend.times.map((time) => time / 1000),
      ...trend.lines.map((line) => line.values),
    ];
    const plot = new uPlot(options, data, element);
    return () => plot.destroy();
  }, [trend, height, zone, locale, theme, range]);
  return <div ref={frame} className="trend" />;
}

function optionsOf(element: HTMLElement, props: Props): uPlot.Options {
  const { trend, height, zone, locale, range } = props;
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const legend = trend.unit === 'W' ? 30 : 0;
  const axis = {
    stroke: colour('--muted'),
    font: '12px Inter Variable',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 },
  };
  return {
    width: element.clientWidth,
    height: height - legend,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
    scales: {
      x: { range: [range.from / 1000, range.to / 1000] },
      y: trend.unit === '%' ? { range: [0, 100] } : {},
    },
    axes: [
      { ...axis, values: clockLabels(locale, zone) },
      {
        ...axis,
        size: 76,
        values: (_, values) => values.map((value) => reading(value, trend.unit, locale, true)),
      },
    ],
    legend: {
      show: legend > 0,
      markers: { fill: (_, line) => colour(trend.lines[line - 1]?.colour ?? '--muted') },
    },
    cursor: { drag: { x: false, y: false } },
    series: [
      {
        label: '',
        value: (_, seconds: number | null) =>
          seconds === null ? '' : formatDayClock(seconds * 1000, locale, zone),
      },
      ...trend.lines.map((line) => ({
        label: line.label,
        stroke: colour(line.colour),
        width: 2,
        spanGaps: false,
        points: { show: false },
        ...(line.dashed === true && { dash: [6, 6], width: 1.5 }),
        ...(trend.unit === '%' && { fill: `${colour(line.colour)}2e` }),
        // Without a finger on the chart there is nothing to read; a dash would say that it is not known.
        value: (_: uPlot, value: number | null, __: number, at: number | null) =>
          at === null ? '' : reading(value, trend.unit, locale, false),
      })),
    ],
  };
}

function clockLabels(locale: string, zone: string) {
  const format = new Intl.DateTimeFormat(locale, {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: zone,
  });
  return (_: uPlot, seconds: number[]) => seconds.map((second) => format.format(second * 1000));
}

function reading(value: number | null, unit: Trend['unit'], locale: string, axis: boolean): string {
  if (value === null) return '–';
  if (unit === '%') return joined(formatPercent(value, locale));
  return joined(formatScaled(axis && value === 0 ? 0 : value, 'W', locale));
}
