import { describe, expect, it } from 'vitest';

import type { History } from '@/shared/api/model';
import { translator } from '@/shared/i18n/useT';
import type { Topology } from '@/shared/site/topology';

import { historyCsv } from './csv';
import { powerFinding } from './finding';
import { niceCeiling } from './options';
import { powerSeries, sumOf, withGaps } from './series';

const topology: Topology = {
  grid: 'grid0/active_power_w',
  pv: ['pv0/active_power_w'],
  ess: ['ess0/active_power_w'],
  evcs: [],
  load: 'site/load_power_w',
  soc: 'ess0/soc_pct',
};

function history(times: string[], means: Record<string, (number | null)[]>): History {
  const series = Object.fromEntries(
    Object.entries(means).map(([channel, mean]) => [
      channel,
      { mean, minimum: mean, maximum: mean },
    ]),
  );
  return { resolution_s: 60, times: times.map((time) => `2026-11-22T${time}:00Z`), series };
}

const sample = history(['10:00', '10:01', '10:02'], {
  'grid0/active_power_w': [5000, -2000, null],
  'pv0/active_power_w': [1000, 9000, 0],
  'ess0/active_power_w': [4000, -3000, 0],
  'site/load_power_w': [10_000, 4000, 0],
  'ess0/soc_pct': [50, 51, null],
});

describe('powerSeries', () => {
  it('puts sources above and sinks below zero, and both sides balance', () => {
    const { bands } = powerSeries(sample, topology);
    const side = (name: string, index: number) =>
      bands
        .filter((band) => band.side === name)
        .reduce((sum, band) => sum + (band.values[index] ?? 0), 0);
    for (const index of [0, 1]) expect(side('source', index)).toBe(-side('sink', index));
    expect(bands.find(({ id }) => id === 'export')?.values).toEqual([0, -2000, null]);
    expect(bands.find(({ id }) => id === 'charge')?.values[1]).toBe(-3000);
  });
  it('keeps what is not known as a gap', () => {
    const { grid, soc } = powerSeries(sample, topology);
    expect(grid[2]).toBeNull();
    expect(soc[2]).toBeNull();
  });
});

describe('sumOf', () => {
  it('is unknown when a part is unknown or missing', () => {
    expect(sumOf(sample, ['pv0/active_power_w', 'grid0/active_power_w'])).toEqual([
      6000,
      7000,
      null,
    ]);
    expect(sumOf(sample, ['pv0/active_power_w', 'pv9/active_power_w'])).toEqual([null, null, null]);
  });
});

describe('withGaps', () => {
  it('breaks the line where the server left intervals out', () => {
    const holed = history(['10:00', '10:01', '10:09'], { a: [1, 2, 3] });
    const filled = withGaps(holed);
    expect(filled.series.a?.mean).toEqual([1, 2, null, 3]);
    expect(filled.times[2]).toBe('2026-11-22T10:02:00.000Z');
  });
  it('leaves complete columns alone', () => {
    expect(withGaps(sample)).toBe(sample);
  });
});

describe('finding', () => {
  const words = {
    t: translator('en'),
    locale: 'en-GB',
    zone: 'Europe/Stockholm',
    span: 'day' as const,
  };
  const found = (limit: number | null) =>
    powerFinding(powerSeries(sample, topology), limit, words).replaceAll('\u00a0', ' ');

  it('says the peak, its time at the site, and the limit', () => {
    expect(found(60_000)).toBe(
      'Grid import peaked at 5.00 kW at 11:00, within the 60.0 kW limit (1 min mean)',
    );
    expect(found(4000)).toContain('above the 4.00 kW limit');
    expect(found(4980)).toContain('at the 4.98');
    expect(found(null)).not.toContain('limit');
  });
});

describe('historyCsv', () => {
  it('writes the time of the site with its offset, and gaps as empty cells', () => {
    const text = historyCsv(sample, ['grid0/active_power_w', 'ess0/soc_pct'], 'Europe/Stockholm');
    expect(text.split('\r\n')).toEqual([
      'time,grid0/active_power_w,ess0/soc_pct',
      '2026-11-22T11:00:00.000+01:00,5000,50',
      '2026-11-22T11:01:00.000+01:00,-2000,51',
      '2026-11-22T11:02:00.000+01:00,,',
      '',
    ]);
  });
});

describe('niceCeiling', () => {
  it('rounds an axis up, never down', () => {
    for (const value of [1, 63, 412, 60_001, 99_999]) {
      expect(niceCeiling(value)).toBeGreaterThanOrEqual(value);
    }
    expect(niceCeiling(0)).toBe(0);
  });
});
