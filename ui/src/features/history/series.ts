import type { History } from '@/shared/api/model';
import type { Topology } from '@/shared/site/topology';

export type Point = number | null;
export type BandId = 'import' | 'pv' | 'discharge' | 'load' | 'charge' | 'ev' | 'export';

export interface Band {
  id: BandId;
  /** Sources stand above zero, sinks below. */
  side: 'source' | 'sink';
  values: Point[];
}

export interface PowerSeries {
  /** Interval starts, ms. */
  times: number[];
  bands: Band[];
  /** Signed grid power, import positive. */
  grid: Point[];
  soc: Point[];
  resolution_s: number;
}

const empty = (length: number): Point[] => Array.from({ length }, () => null);

/** Sum of channels per interval; null as soon as one of them is not known, never a guess. */
export function sumOf(history: History, channels: readonly string[]): Point[] {
  const columns = channels.map((channel) => history.series[channel]?.mean);
  if (columns.length === 0) return empty(history.times.length);
  return history.times.map((_, index) => {
    let sum = 0;
    for (const column of columns) {
      const value = column?.[index] ?? null;
      if (value === null) return null;
      sum += value;
    }
    return sum;
  });
}

const positive = (values: Point[]): Point[] =>
  values.map((value) => (value === null ? null : Math.max(0, value)));
const negative = (values: Point[]): Point[] =>
  values.map((value) => (value === null ? null : Math.min(0, value)));
const negated = (values: Point[]): Point[] =>
  values.map((value) => (value === null ? null : value === 0 ? 0 : -value));

/** Splits signed channels into sources above and sinks below zero, gaps kept and made visible. */
export function powerSeries(raw: History, topology: Topology): PowerSeries {
  const history = withGaps(raw);
  const grid = sumOf(history, topology.grid === null ? [] : [topology.grid]);
  const ess = sumOf(history, topology.ess);
  const bands: Band[] = [{ id: 'import', side: 'source', values: positive(grid) }];
  if (topology.pv.length > 0) {
    bands.push({ id: 'pv', side: 'source', values: positive(sumOf(history, topology.pv)) });
  }
  if (topology.ess.length > 0) {
    bands.push({ id: 'discharge', side: 'source', values: positive(ess) });
  }
  if (topology.load !== null) {
    bands.push({ id: 'load', side: 'sink', values: negated(sumOf(history, [topology.load])) });
  }
  if (topology.ess.length > 0) bands.push({ id: 'charge', side: 'sink', values: negative(ess) });
  if (topology.evcs.length > 0) {
    bands.push({ id: 'ev', side: 'sink', values: negated(sumOf(history, topology.evcs)) });
  }
  bands.push({ id: 'export', side: 'sink', values: negative(grid) });
  return {
    times: history.times.map((time) => Date.parse(time)),
    bands,
    grid,
    soc: sumOf(history, topology.soc === null ? [] : [topology.soc]),
    resolution_s: history.resolution_s,
  };
}

/** Servers may leave out intervals without data: an interval of nulls goes where one is missing, so that
 * no line is drawn across the hole. */
export function withGaps(history: History): History {
  const step_ms = history.resolution_s * 1000;
  const starts = history.times.map((time) => Date.parse(time));
  const holes = starts.flatMap((start, index) => {
    const before = starts[index - 1];
    return before !== undefined && step_ms > 0 && start - before > 1.9 * step_ms ? [index] : [];
  });
  if (holes.length === 0) return history;
  const times = insert(history.times, holes, (index) =>
    new Date((starts[index - 1] ?? 0) + step_ms).toISOString(),
  );
  const series = Object.fromEntries(
    Object.entries(history.series).map(([channel, { mean, minimum, maximum }]) => [
      channel,
      {
        mean: insert(mean, holes, () => null),
        minimum: insert(minimum, holes, () => null),
        maximum: insert(maximum, holes, () => null),
      },
    ]),
  );
  return { ...history, times, series };
}

function insert<T>(
  items: readonly T[],
  before: readonly number[],
  make: (index: number) => T,
): T[] {
  const places = new Set(before);
  return items.flatMap((item, index) => (places.has(index) ? [make(index), item] : [item]));
}

export interface Extreme {
  value: number;
  time: number;
}

export function largest(times: readonly number[], values: readonly Point[]): Extreme | null {
  let found: Extreme | null = null;
  values.forEach((value, index) => {
    const time = times[index];
    if (value === null || time === undefined) return;
    if (found === null || value > found.value) found = { value, time };
  });
  return found;
}

export function bounds(values: readonly Point[]): { low: number; high: number } | null {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return null;
  let low = Infinity;
  let high = -Infinity;
  for (const value of known) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return { low, high };
}

export const hasData = (series: PowerSeries): boolean =>
  series.soc.some((value) => value !== null) ||
  series.bands.some((band) => band.values.some((value) => value !== null));
