import type { History } from '@/shared/api/model';

export interface TodayEnergy {
  import_wh: number | null;
  export_wh: number | null;
}

/** Integral of mean power over the known intervals, by direction; null when nothing is known. */
export function energyByDirection(history: History, channel: string): TodayEnergy {
  const hours = history.resolution_s / 3600;
  const known = (history.series[channel]?.mean ?? []).filter((value) => value !== null);
  if (known.length === 0) return { import_wh: null, export_wh: null };
  const sum = (sign: 1 | -1) =>
    known.reduce((total, value) => total + Math.max(0, sign * value) * hours, 0);
  return { import_wh: sum(1), export_wh: sum(-1) };
}
