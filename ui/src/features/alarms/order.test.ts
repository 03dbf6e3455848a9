import { describe, expect, it } from 'vitest';

import type { Alarm } from '@/shared/api/model';

import { sortAlarms } from './order';

const alarm = (id: string, rest: Partial<Alarm> = {}): Alarm => ({
  id,
  code: 'c',
  severity: 'alarm',
  component: 'grid0',
  text: '',
  cause: '',
  effect: '',
  remedy: '',
  raised_at: '2026-11-22T10:00:00Z',
  cleared_at: null,
  acknowledged_at: null,
  acknowledged_by: null,
  ...rest,
});

describe('sortAlarms', () => {
  it('puts what stands and nobody saw first, then the severe, then the new', () => {
    const sorted = sortAlarms([
      alarm('cleared', { cleared_at: '2026-11-22T11:00:00Z' }),
      alarm('seen', { acknowledged_at: '2026-11-22T10:01:00Z' }),
      alarm('mild', { severity: 'warning' }),
      alarm('old'),
      alarm('new', { raised_at: '2026-11-22T10:30:00Z' }),
    ]);
    expect(sorted.map(({ id }) => id)).toEqual(['new', 'old', 'mild', 'seen', 'cleared']);
  });
});
