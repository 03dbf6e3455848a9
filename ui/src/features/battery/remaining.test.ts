import { describe, expect, it } from 'vitest';

import { remaining } from './remaining';

const battery = {
  power_w: 38_000,
  soc_pct: 64,
  capacity_wh: 120_000,
  minimum_pct: 10,
  maximum_pct: 95,
};

describe('remaining', () => {
  it('counts down to the guard, not to zero', () => {
    expect(remaining(battery)).toEqual({ to: 'empty', seconds: (0.54 * 120_000 * 3600) / 38_000 });
    expect(remaining({ ...battery, power_w: -12_000 })?.to).toBe('full');
  });
  it('says nothing when idle, unknown or far away', () => {
    expect(remaining({ ...battery, power_w: 20 })).toBeNull();
    expect(remaining({ ...battery, soc_pct: null })).toBeNull();
    expect(remaining({ ...battery, power_w: 500 })).toBeNull();
  });
  it('is zero below the guard', () => {
    expect(remaining({ ...battery, soc_pct: 4 })?.seconds).toBe(0);
  });
});
