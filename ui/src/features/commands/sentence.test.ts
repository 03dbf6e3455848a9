import { describe, expect, it } from 'vitest';

import { translator } from '@/shared/i18n/useT';

import { KINDS } from './kinds';
import { didSay, unitOf, willDo } from './sentence';

const words = { t: translator('en'), locale: 'en-GB' };
const plain = (text: string) => text.replaceAll('\u00a0', ' ');
const override = { target: 'ess0/active_power_w', value: -5000, duration_s: 900 };

describe('willDo', () => {
  it('says watts and how long, and never a sign', () => {
    expect(plain(willDo('override', override, words))).toBe(
      'ess0 charges with 5.00 kW for 15 min, then automatic control goes on.',
    );
    expect(plain(willDo('override', { ...override, value: 0 }, words))).toMatch(/held at 0 W/);
  });
  it('knows batteries of other names when they are given', () => {
    const bank = { ...override, target: 'bank/active_power_w' };
    expect(plain(willDo('override', bank, { ...words, batteries: ['bank'] }))).toMatch(
      /^bank charges with 5.00 kW/,
    );
    expect(plain(willDo('override', bank, words))).toMatch(/asked to be -5.00 kW/);
  });
  it('has a sentence without holes for every kind', () => {
    const payload = { mode: 'STANDBY', code: 'x', schedule: { id: 'p1', slots: [1] }, url: 'u' };
    for (const kind of KINDS) {
      for (const text of [willDo(kind, payload, words), didSay(kind, payload, words)])
        expect(text).not.toMatch(/\{|will\.|did\./);
    }
  });
});

describe('didSay', () => {
  it('says when control is given back and when no schedule is followed', () => {
    expect(didSay('override', { ...override, clear: true }, words)).toBe(
      'ess0/active_power_w: back to automatic',
    );
    expect(didSay('schedule', { schedule: null }, words)).toBe('Follow no schedule');
  });
  it('shows a kind of a later version as it is named', () => {
    expect(didSay('dance', {}, words)).toBe('dance');
  });
});

it('reads the unit at the end of an address', () => {
  expect([
    unitOf('pv0/active_power_limit_w'),
    unitOf('evcs0/current_limit_a'),
    unitOf('x/y'),
  ]).toEqual(['W', 'A', '']);
});
