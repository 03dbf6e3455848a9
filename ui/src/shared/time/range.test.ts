import { describe, expect, it } from 'vitest';

import { isoInZone, rangeAt, shift, ticks } from './range';

const ZONE = 'Europe/Stockholm';
const at = (iso: string) => Date.parse(iso);
const hours = ({ from, to }: { from: number; to: number }) => (to - from) / 3_600_000;

describe('rangeAt', () => {
  it('cuts days at the midnight of the site, not of the viewer', () => {
    const day = rangeAt('day', at('2026-11-22T23:30:00Z'), ZONE);
    expect(new Date(day.from).toISOString()).toBe('2026-11-22T23:00:00.000Z');
    expect(hours(day)).toBe(24);
  });
  it('knows days of 23 and 25 hours', () => {
    expect(hours(rangeAt('day', at('2026-03-29T12:00:00Z'), ZONE))).toBe(23);
    expect(hours(rangeAt('day', at('2026-10-25T12:00:00Z'), ZONE))).toBe(25);
  });
  it('starts weeks on Monday and walks over a change of the clocks', () => {
    const week = rangeAt('week', at('2026-10-25T12:00:00Z'), ZONE);
    expect(isoInZone(week.from, ZONE)).toBe('2026-10-19T00:00:00.000+02:00');
    expect(isoInZone(shift(week, 1, ZONE).from, ZONE)).toBe('2026-10-26T00:00:00.000+01:00');
    expect(shift(shift(week, 1, ZONE), -1, ZONE)).toEqual(week);
  });
  it('walks months of unequal length', () => {
    const march = rangeAt('month', at('2026-03-31T12:00:00Z'), ZONE);
    expect(isoInZone(shift(march, -1, ZONE).from, ZONE)).toBe('2026-02-01T00:00:00.000+01:00');
  });
});

describe('ticks', () => {
  it('stand at round wall-clock times also on the day of 25 hours', () => {
    const day = rangeAt('day', at('2026-10-25T12:00:00Z'), ZONE);
    const shown = ticks(day, ZONE).map((time) => isoInZone(time, ZONE).slice(11, 16));
    expect(shown).toEqual([
      '00:00',
      '03:00',
      '06:00',
      '09:00',
      '12:00',
      '15:00',
      '18:00',
      '21:00',
      '00:00',
    ]);
  });
});
