import type { Channel, ChannelValue } from '@/shared/api/model';

import { decimalsFor, formatFixed } from './number';
import { formatScaled, UNKNOWN, type Quantity } from './quantity';

const SCALED = new Set(['W', 'var', 'VA', 'Wh', 'varh']);
/** Units whose second decimal carries the news. */
const FIXED: Record<string, number> = { Hz: 2 };
const UNIT_SIGNS: Record<string, string> = { degC: '°C', percent: '%', pct: '%', us: 'µs' };

/** A channel's value as its tag table describes it: enum label, yes/no, scaled quantity or plain number. */
export function formatChannel(
  channel: Pick<Channel, 'kind' | 'unit' | 'labels'>,
  current: ChannelValue | undefined,
  locale: string,
  words: { yes: string; no: string },
): Quantity {
  const value = current?.value ?? null;
  if (value === null) return { text: UNKNOWN, unit: '' };
  if (channel.kind === 'bool') return { text: value === 0 ? words.no : words.yes, unit: '' };
  const label = channel.labels[String(value)];
  if (label !== undefined) return { text: label, unit: '' };
  if (SCALED.has(channel.unit)) return formatScaled(value, channel.unit, locale);
  const decimals = FIXED[channel.unit] ?? (Number.isInteger(value) ? 0 : decimalsFor(value));
  return {
    text: formatFixed(value, decimals, locale),
    unit: UNIT_SIGNS[channel.unit] ?? channel.unit,
  };
}
