/** Three significant digits, never more decimals than the unit carries meaning for. */
export function decimalsFor(value: number, most = 2): number {
  const size = Math.abs(value);
  if (size >= 99.95) return 0;
  return Math.min(most, size >= 9.995 ? 1 : 2);
}

const formatters = new Map<string, Intl.NumberFormat>();

export function formatFixed(value: number, decimals: number, locale: string): string {
  const key = `${locale} ${decimals}`;
  let formatter = formatters.get(key);
  if (formatter === undefined) {
    formatter = new Intl.NumberFormat(locale, {
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
    });
    formatters.set(key, formatter);
  }
  const text = formatter.format(value);
  return /[1-9]/.test(text) ? text : text.replace(/^[-−]/, '');
}
