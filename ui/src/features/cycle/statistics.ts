import type { CycleHealth, Values } from '@/shared/api/model';

/** What both the edge's /cycle and the `cycle/...` channels can say; null: not known. */
export interface CycleFigures {
  cycles: number | null;
  lateness_us_p50: number | null;
  lateness_us_p99: number | null;
  lateness_us_max: number | null;
  work_us_p99: number | null;
  overruns: number | null;
  skipped: number | null;
}

export function figuresFromChannels(values: Values): CycleFigures {
  const read = (point: string) => values[`cycle/${point}`]?.value ?? null;
  return {
    cycles: read('count'),
    lateness_us_p50: read('lateness_us_p50'),
    lateness_us_p99: read('lateness_us_p99'),
    lateness_us_max: read('lateness_us_max'),
    work_us_p99: read('work_us_p99'),
    overruns: read('overruns'),
    skipped: read('skipped'),
  };
}

export const figuresFromHealth = (health: CycleHealth): CycleFigures => health;

/** Overruns and skipped slots ask for attention; slow single wake-ups do not. */
export function cycleAttention(figures: CycleFigures): boolean {
  return (figures.overruns ?? 0) > 0 || (figures.skipped ?? 0) > 0;
}
