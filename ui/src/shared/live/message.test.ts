import { describe, expect, it } from 'vitest';

import { readLive } from './message';

const latest = { time: '2026-11-22T10:00:00Z', why: {}, values: {} };

describe('readLive', () => {
  it('reads a bare latest, a tagged one and alarms', () => {
    expect(readLive(latest)?.type).toBe('latest');
    expect(readLive({ type: 'latest', ...latest })?.type).toBe('latest');
    expect(readLive({ type: 'alarms', alarms: [] })).toEqual({ type: 'alarms', alarms: [] });
  });
  it.each([null, 3, 'x', {}, { type: 'alarms' }, { type: 'later', a: 1 }, { values: {} }])(
    'ignores %j',
    (message) => {
      expect(readLive(message)).toBeNull();
    },
  );
});
