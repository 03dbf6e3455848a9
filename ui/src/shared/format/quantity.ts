import { decimalsFor, formatFixed } from './number';

/** A number as text and its unit apart, so that the unit can stand smaller and muted. */
export interface Quantity {
  text: string;
  unit: string;
}

export type Prefix = 0 | 1 | 2 | 3;

const SYMBOLS = ['', 'k', 'M', 'G'] as const;
const DOWN_AT = 0.9; // Hysteresis: 1000 W becomes 1.00 kW, and W again only below 900 W.
export const UNKNOWN = '–';

/** Next prefix for a value when `previous` is on the screen; without one, the natural prefix. */
export function nextPrefix(value: number, previous?: Prefix): Prefix {
  const size = Math.abs(value);
  let prefix: Prefix = previous ?? 0;
  while (prefix < 3 && size >= 1000 ** (prefix + 1)) prefix = (prefix + 1) as Prefix;
  const floor = previous === undefined ? 1 : DOWN_AT;
  while (prefix > 0 && size < floor * 1000 ** prefix) prefix = (prefix - 1) as Prefix;
  return prefix;
}

/** `unit` is a base unit (W, Wh, var); the base itself is shown without decimals. */
export function formatScaled(
  value: number | null,
  unit: string,
  locale: string,
  prefix?: Prefix,
): Quantity {
  if (value === null || !Number.isFinite(value)) return { text: UNKNOWN, unit };
  const scale = prefix ?? nextPrefix(value);
  const scaled = value / 1000 ** scale;
  const decimals = scale === 0 ? 0 : decimalsFor(scaled);
  return { text: formatFixed(scaled, decimals, locale), unit: SYMBOLS[scale] + unit };
}

/** Power or energy by size; the direction is said by a word beside it, never by a minus. */
export function formatSize(value: number | null, unit: string, locale: string, prefix?: Prefix) {
  return formatScaled(value === null ? null : Math.abs(value), unit, locale, prefix);
}

export function formatPercent(value: number | null, locale: string, decimals = 0): Quantity {
  if (value === null || !Number.isFinite(value)) return { text: UNKNOWN, unit: '%' };
  return { text: formatFixed(value, decimals, locale), unit: '%' };
}

export const joined = ({ text, unit }: Quantity): string =>
  unit === '' ? text : `${text}\u00a0${unit}`;

/** One line of text: "42.7 kW". */
export function powerText(value: number | null, locale: string): string {
  return joined(formatSize(value, 'W', locale));
}

export function energyText(value: number | null, locale: string): string {
  return joined(formatSize(value, 'Wh', locale));
}
