import type { History } from '@/shared/api/model';

export interface TodayEnergy {
  import_wh: number | null;
  export_wh: number | null;
}

const HOUR_MS = 3_600_000;

/** Integral of mean power over the known intervals, by direction; null when nothing is known. */
export function energyByDirection(history: History, channel: string): TodayEnergy {
  const values = history.series[channel]?.mean ?? [];
  const hours = durations(history);
  const known = values.flatMap((value, index) =>
    value === null ? [] : [value * (hours[index] ?? 0)],
  );
  if (known.length === 0) return { import_wh: null, export_wh: null };
  const sum = (sign: 1 | -1) => known.reduce((total, wh) => total + Math.max(0, sign * wh), 0);
  return { import_wh: sum(1), export_wh: sum(-1) };
}

/**
 * Hours that each point stands for: until the next one, for the box leaves intervals without values out. A pause of
 * more than twice the usual step is a gap, and nothing is known of it.
 */
function durations(history: History): number[] {
  const times = history.times.map((time) => Date.parse(time));
  const steps = times.slice(1).map((time, index) => time - (times[index] ?? time));
  const usual = steps.toSorted((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
  const shortest = history.resolution_s * 1000;
  const longest = 2 * Math.max(shortest, usual);
  return times.map((_, index) => {
    const step = steps[index] ?? shortest;
    return (step > longest ? Math.max(shortest, usual) : step) / HOUR_MS;
  });
}
