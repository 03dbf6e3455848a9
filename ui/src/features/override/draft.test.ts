import { describe, expect, it } from 'vitest';

import { translator } from '@/shared/i18n/useT';

import { consequence, limit_w, setpoint_w, stepped } from './draft';

const words = { t: translator('en'), locale: 'en-GB', zone: 'Europe/Stockholm' };

describe('override draft', () => {
  it('sends discharge as positive, charge as negative, hold as zero', () => {
    const draft = { power_w: 5000, duration_s: 900 };
    expect(setpoint_w({ ...draft, action: 'discharge' })).toBe(5000);
    expect(setpoint_w({ ...draft, action: 'charge' })).toBe(-5000);
    expect(setpoint_w({ ...draft, action: 'hold' })).toBe(0);
  });
  it('says watts, duration and end before it acts', () => {
    const draft = { action: 'charge', power_w: 5000, duration_s: 900 } as const;
    const text = consequence(draft, Date.parse('2026-11-22T09:07:00Z'), words);
    expect(text.replaceAll('\u00a0', ' ')).toBe(
      'The battery will charge with 5.00 kW for 15 min, until 10:22.',
    );
  });
  it('steps inside what the battery allows', () => {
    expect(stepped(59_000, 5000, 60_000)).toBe(60_000);
    expect(stepped(2000, -5000, 60_000)).toBe(1000);
    expect(stepped(5000, 1000, null)).toBe(6000);
    const value = { value: 30_000, quality: 'good', time: null } as const;
    expect(limit_w('charge', 'ess0', { 'ess0/max_charge_power_w': value })).toBe(30_000);
  });
});
