import { describe, expect, it } from 'vitest';

import type { ChannelValue } from '@/shared/api/model';

import { formatChannel } from './channel';

const words = { yes: 'yes', no: 'no' };
const good = (value: number | null): ChannelValue => ({ value, quality: 'good', time: null });
const show = (unit: string, kind: string, value: number | null, labels = {}) =>
  formatChannel({ unit, kind, labels }, good(value), 'en-GB', words);

describe('formatChannel', () => {
  it('follows the tag table', () => {
    expect(show('W', 'float', 1500)).toEqual({ text: '1.50', unit: 'kW' });
    expect(show('degC', 'float', 21.44)).toEqual({ text: '21.4', unit: '°C' });
    expect(show('Hz', 'float', 50)).toEqual({ text: '50.00', unit: 'Hz' });
    expect(show('', 'bool', 1).text).toBe('yes');
    expect(show('', 'enum', 2, { '2': 'RUN' }).text).toBe('RUN');
    expect(show('', 'enum', 9, { '2': 'RUN' }).text).toBe('9');
  });
  it('shows what was never known as a dash', () => {
    expect(show('W', 'float', null).text).toBe('–');
  });
});
