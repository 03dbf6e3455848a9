import { describe, expect, it } from 'vitest';

import { FIRST_DRAFT, isBattery, orderOf, wrongIn, type Draft } from './draft';
import { kindsFor } from './kinds';

const override = (changes: Partial<Draft> = {}): Draft => ({
  ...FIRST_DRAFT,
  target: 'ess0/active_power_w',
  reason: 'test run',
  ...changes,
});

describe('wrongIn', () => {
  it('wants target, number, duration and reason of an override', () => {
    expect(wrongIn(override(), true)).toEqual([]);
    const wrong = wrongIn(
      override({ target: ' ', value: '', action: 'charge', duration_min: 0, reason: ' ' }),
      true,
    );
    expect(wrong).toEqual(['target', 'value', 'duration', 'reason']);
    expect(wrongIn(override({ duration_min: 1441 }), true)).toEqual(['duration']);
    expect(wrongIn(override({ value: Number.NaN }), false)).toEqual(['value']);
  });
  it('wants a target only when it is given back, and no number to hold', () => {
    expect(wrongIn(override({ clear: true, reason: '', duration_min: '' }), true)).toEqual([]);
    expect(wrongIn(override({ value: '' }), true)).toEqual([]);
  });
  it('takes a schedule that is a JSON object, and nothing else', () => {
    const schedule = (text: string) =>
      wrongIn({ ...FIRST_DRAFT, kind: 'schedule', file: { name: 's.json', text } }, false);
    expect(schedule('{"id": "p1"}')).toEqual([]);
    for (const text of ['[]', 'null', '{', '']) expect(schedule(text)).toEqual(['file']);
  });
  it('wants a bundle that is named by its hash, over TLS', () => {
    const update = { ...FIRST_DRAFT, kind: 'update' as const, url: 'http://x', sha256: 'ab' };
    expect(wrongIn(update, false)).toEqual(['url', 'sha']);
    const good = { ...update, url: 'https://x/y.raucb', sha256: 'A'.repeat(64) };
    expect(wrongIn(good, false)).toEqual([]);
    expect(orderOf(good, false)).toMatchObject({ sha256: 'a'.repeat(64) });
  });
});

describe('orderOf', () => {
  it('says charging as negative watts, discharging as positive ones', () => {
    const value = (changes: Partial<Draft>) =>
      (orderOf(override(changes), true) as { value: number }).value;
    expect(value({ action: 'charge', value: 5 })).toBe(-5000);
    expect(value({ action: 'discharge', value: 8.5 })).toBe(8500);
    expect(value({ action: 'hold', value: 8 })).toBe(0);
  });
  it('sends what was typed for anything but a battery', () => {
    const order = orderOf(override({ target: 'pv0/active_power_limit_w', value: 1200 }), false);
    expect(order).toMatchObject({ value: 1200, duration_s: 900, clear: false });
  });
  it('carries nothing that does not belong to the kind', () => {
    expect(orderOf({ ...FIRST_DRAFT, kind: 'restart' }, false)).toEqual({ kind: 'restart' });
  });
});

it('knows the power of a battery from other channels', () => {
  expect(isBattery('ess0/active_power_w', ['ess0'])).toBe(true);
  expect(isBattery('ess0/reactive_power_var', ['ess0'])).toBe(false);
  expect(isBattery('pv0/active_power_w', ['ess0'])).toBe(false);
});

describe('kindsFor', () => {
  const who =
    (...permissions: string[]) =>
    (permission: string) =>
      permissions.includes(permission);
  it('offers nothing that one may not send', () => {
    expect(kindsFor(who('commands:read'), false)).toEqual([]);
    expect(kindsFor(who('commands:write'), false)).not.toContain('restart');
    expect(kindsFor(who('commands:write', 'devices:write'), false)).toContain('restart');
  });
  it('offers no file of one site to many', () => {
    const many = kindsFor(who('commands:write', 'devices:write'), true);
    expect(many).toContain('override');
    expect(many).not.toContain('configuration');
  });
});
