import { describe, expect, it } from 'vitest';

import { formatPercent, formatScaled, formatSize, nextPrefix, powerText } from './quantity';

const shown = (value: number | null) => {
  const { text, unit } = formatScaled(value, 'W', 'en-GB');
  return `${text} ${unit}`;
};

describe('formatScaled', () => {
  it.each([
    [42_700, '42.7 kW'],
    [1234, '1.23 kW'],
    [123_456, '123 kW'],
    [2_500_000, '2.50 MW'],
    [742.4, '742 W'],
    [999.6, '1,000 W'],
    [99_960, '100 kW'],
    [9.4, '9 W'],
    [0, '0 W'],
    [-0.2, '0 W'],
    [-5000, '-5.00 kW'],
    [null, '– W'],
    [Number.NaN, '– W'],
    [Number.POSITIVE_INFINITY, '– W'],
  ])('shows %s W with three significant digits', (value, text) => {
    expect(shown(value)).toBe(text);
  });

  it('uses the decimal sign of the language', () => {
    expect(formatScaled(42_700, 'Wh', 'sv-SE')).toEqual({ text: '42,7', unit: 'kWh' });
  });
});

describe('nextPrefix', () => {
  it('climbs at 1000 and falls only below 900, so that a value at the border does not flicker', () => {
    let prefix = nextPrefix(950);
    const seen = [950, 1000, 990, 910, 899, 950, 999, 1000].map((value) => {
      prefix = nextPrefix(value, prefix);
      return prefix;
    });
    expect(seen).toEqual([0, 1, 1, 1, 0, 0, 0, 1]);
  });

  it('jumps over several steps at once', () => {
    expect(nextPrefix(3e6, 0)).toBe(2);
    expect(nextPrefix(3, 2)).toBe(0);
  });
});

describe('signs', () => {
  it('never says a direction by a minus', () => {
    expect(formatSize(-38_000, 'W', 'en-GB').text).toBe('38.0');
    expect(powerText(-38_000, 'en-GB')).toBe('38.0\u00a0kW');
  });
  it('shows percent without decimals, unknown as a dash', () => {
    expect(formatPercent(63.6, 'en-GB')).toEqual({ text: '64', unit: '%' });
    expect(formatPercent(null, 'en-GB').text).toBe('–');
  });
});
