import { describe, expect, it } from 'vitest';

import { freshness } from './freshness';

describe('freshness', () => {
  const at = (age_s: number, online = true) =>
    freshness({ time_ms: 1_000_000, now_ms: 1_000_000 + age_s * 1000, online });

  it('goes from live over stale to offline with age', () => {
    expect([at(0.4), at(10), at(10.1), at(60), at(61)]).toEqual([
      'live',
      'live',
      'stale',
      'stale',
      'offline',
    ]);
  });
  it('believes the server that the site is away as soon as the values age', () => {
    expect(at(12, false)).toBe('offline');
    expect(freshness({ time_ms: null, now_ms: 0, online: false })).toBe('offline');
  });
  it('waits before the first value and never shows a negative age', () => {
    expect(freshness({ time_ms: null, now_ms: 0, online: true })).toBe('waiting');
    expect(at(-30)).toBe('live');
  });
  it('takes a shorter patience on the box', () => {
    const input = { time_ms: 0, now_ms: 4000, online: true };
    expect(freshness({ ...input, staleAfter_s: 3 })).toBe('stale');
  });
});
