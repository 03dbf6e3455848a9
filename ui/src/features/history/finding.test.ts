import { describe, expect, it } from 'vitest';

import { translator } from '@/shared/i18n/useT';

import { powerFinding } from './finding';
import type { PowerSeries } from './series';

const context = { t: translator('en'), locale: 'en-GB', zone: 'UTC', span: 'day' } as const;
const peakOf = (power_w: number) =>
  ({ times: [0, 900_000], grid: [0, power_w], resolution_s: 900 }) as unknown as PowerSeries;

describe('the title of the power chart', () => {
  it.each([
    [59_500, /peaked at 59.5.kW at 00:15, within the 60.0.kW limit/],
    [60_000, /within the 60.0.kW limit/],
    [60_400, /peaked at 60.4.kW at 00:15, at the 60.0.kW limit/],
    [62_000, /62.0.kW/],
  ])('never calls %i W within 60 kW when it is more', (power_w, text) => {
    const said = powerFinding(peakOf(power_w), 60_000, context);
    expect(said).toMatch(text);
    if (power_w > 60_000) expect(said).not.toMatch(/within/);
  });
});
