import { describe, expect, it } from 'vitest';

import type { LimitEvent } from '@/shared/api/model';

import { episodes, secondsBetween, stands } from './episodes';

const event = (
  number: number,
  what: LimitEvent['what'],
  changes: Partial<LimitEvent> = {},
): LimitEvent => ({
  number,
  what,
  code: 'dimming',
  time: new Date(Date.UTC(2026, 10, 26, 6, 0, number)).toISOString(),
  limit_w: 4200,
  state: 'contact',
  power_w: 4100,
  intact: true,
  ...changes,
});

describe('episodes', () => {
  it('puts together what belongs together, kind by kind, newest first', () => {
    const found = episodes([
      event(6, 'received', { code: 'external_export_limit' }),
      event(5, 'released'),
      event(3, 'obeyed'),
      event(1, 'received'),
    ]);
    expect(found.map(({ code }) => code)).toEqual(['external_export_limit', 'dimming']);
    const [standing, over] = found;
    if (standing === undefined || over === undefined) throw new Error('two expected');
    expect([stands(standing, found), stands(over, found)]).toEqual([true, false]);
    expect(secondsBetween(over.received, over.obeyed)).toBe(2);
    expect(secondsBetween(over.received, over.notObeyed)).toBeNull();
  });
  it('begins a new one when a limit changes, and only the newest stands', () => {
    const found = episodes([event(2, 'received', { limit_w: 3000 }), event(1, 'received')]);
    expect(found.map((one) => [one.received?.limit_w, stands(one, found)])).toEqual([
      [3000, true],
      [4200, false],
    ]);
  });
  it('keeps the end of one whose beginning is not there, and notices a broken signature', () => {
    const [only] = episodes([event(9, 'released', { intact: false })]);
    expect(only).toMatchObject({ received: null, intact: false });
    expect(episodes([])).toEqual([]);
  });
});
