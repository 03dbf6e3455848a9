import { describe, expect, it } from 'vitest';

import type { History } from '@/shared/api/model';

import { energyByDirection } from './today';

const GRID = 'grid0/active_power_w';
const at = (second: number) => new Date(Date.UTC(2026, 2, 2) + second * 1000).toISOString();

function history(resolution_s: number, points: [number, number | null][]): History {
  const mean = points.map(([, value]) => value);
  return {
    resolution_s,
    times: points.map(([second]) => at(second)),
    series: { [GRID]: { mean, minimum: mean, maximum: mean } },
  };
}

describe('energy of today', () => {
  it('is mean power times the time it stands for, by direction', () => {
    const points = Array.from({ length: 120 }, (_, n): [number, number] => [30 * n, 3600]);
    expect(energyByDirection(history(30, points), GRID)).toEqual({ import_wh: 3600, export_wh: 0 });
    const out = points.map(([second]): [number, number] => [second, -1200]);
    expect(energyByDirection(history(30, out), GRID).export_wh).toBeCloseTo(1200);
  });

  it('counts values a minute apart as a minute each, also at a resolution of half a minute', () => {
    const points = Array.from({ length: 60 }, (_, n): [number, number] => [60 * n, 6000]);
    expect(energyByDirection(history(30, points), GRID).import_wh).toBeCloseTo(5950);
  });

  it('counts nothing in a gap', () => {
    const points: [number, number | null][] = [
      [0, 3600],
      [10, 3600],
      [20, 3600],
      [30, null],
      [7200, 3600],
      [7210, 3600],
    ];
    expect(energyByDirection(history(10, points), GRID).import_wh).toBeCloseTo(50);
  });

  it('is not known without values', () => {
    expect(energyByDirection(history(30, []), GRID)).toEqual({ import_wh: null, export_wh: null });
    expect(energyByDirection(history(30, [[0, null]]), GRID).import_wh).toBeNull();
  });
});
