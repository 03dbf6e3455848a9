import { describe, expect, it } from 'vitest';

import type { Alarm, Fault } from '@/shared/api/model';

import { faultOf, latchedFirst, wordsOf } from './faults';

const alarm: Alarm = {
  id: '1',
  code: 'cell_undervoltage',
  severity: 'alarm',
  component: 'ess0',
  text: 'A cell of ess0 is discharged too deep',
  cause: 'c',
  effect: 'e',
  remedy: 'r',
  raised_at: '2026-11-22T10:00:00Z',
  cleared_at: null,
  acknowledged_at: null,
  acknowledged_by: null,
};
const swedish = { text: 'En cell', cause: 'o', effect: 'f', remedy: 'å' };
const fault: Fault = {
  id: 'cell_undervoltage:ess0',
  code: 'cell_undervoltage',
  component: 'ess0',
  severity: 'alarm',
  text: alarm.text,
  cause: 'c',
  effect: 'e',
  remedy: 'r',
  direction: 'discharge',
  reaction: 'block_discharge',
  latched: true,
  clearable: false,
  raised_at: alarm.raised_at,
  translations: { sv: swedish },
};

describe('faultOf', () => {
  it('finds the fault of the same code and component', () => {
    expect(faultOf(alarm, [{ ...fault, component: 'ess1' }, fault])).toBe(fault);
    expect(faultOf(alarm, [{ ...fault, component: 'ess1' }])).toBeUndefined();
  });
  it('has none for an alarm that is over', () => {
    expect(faultOf({ ...alarm, cleared_at: '2026-11-22T11:00:00Z' }, [fault])).toBeUndefined();
  });
});

describe('latchedFirst', () => {
  it('puts what a person must clear above the rest, each in its order', () => {
    const other = (id: string): Alarm => ({ ...alarm, id, code: 'stale_data' });
    const sorted = latchedFirst([other('a'), alarm, other('b')], [fault]);
    expect(sorted.map(({ id }) => id)).toEqual(['1', 'a', 'b']);
  });
});

describe('wordsOf', () => {
  it('speaks Swedish where the fault does', () => {
    expect(wordsOf(alarm, fault, 'sv')).toEqual(swedish);
    expect(wordsOf(alarm, fault, 'en').text).toBe(alarm.text);
    expect(wordsOf(alarm, undefined, 'sv').text).toBe(alarm.text);
  });
});
