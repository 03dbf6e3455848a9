import { formatFixed } from './number';

/** "0.4 s", "12 s", "3 min", "2 h 10 min", "5 d". */
export function formatAge(age_s: number, locale: string): string {
  const age = Math.max(0, age_s);
  if (age < 9.95) return `${formatFixed(age, 1, locale)}\u00a0s`;
  if (age < 120) return `${Math.round(age)}\u00a0s`;
  if (age < 3600) return `${Math.floor(age / 60)}\u00a0min`;
  if (age < 48 * 3600) return hoursAndMinutes(age);
  return `${Math.floor(age / 86_400)}\u00a0d`;
}

function hoursAndMinutes(duration_s: number): string {
  const minutes = Math.floor(duration_s / 60);
  const hours = Math.floor(minutes / 60);
  return minutes % 60 === 0 ? `${hours}\u00a0h` : `${hours}\u00a0h\u00a0${minutes % 60}\u00a0min`;
}

export function formatDuration(duration_s: number): string {
  if (duration_s < 60) return `${Math.round(duration_s)}\u00a0s`;
  if (duration_s < 3600) return `${Math.round(duration_s / 60)}\u00a0min`;
  return hoursAndMinutes(duration_s);
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(locale: string, zone: string | undefined, options: Intl.DateTimeFormatOptions) {
  const key = `${locale} ${zone ?? ''} ${JSON.stringify(options)}`;
  let found = formatters.get(key);
  if (found === undefined) {
    found = new Intl.DateTimeFormat(locale, { ...options, ...(zone && { timeZone: zone }) });
    formatters.set(key, found);
  }
  return found;
}

export function formatClock(instant: number, locale: string, zone?: string): string {
  const options = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  return formatter(locale, zone, options).format(instant);
}

export function formatDay(instant: number, locale: string, zone?: string): string {
  const options = { weekday: 'short', day: 'numeric', month: 'short' } as const;
  return formatter(locale, zone, options).format(instant);
}

export function formatMonth(instant: number, locale: string, zone?: string): string {
  return formatter(locale, zone, { month: 'long', year: 'numeric' }).format(instant);
}

const DAY_CLOCK = {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
} as const;

export function formatDayClock(instant: number, locale: string, zone?: string): string {
  return formatter(locale, zone, DAY_CLOCK).format(instant);
}

/** To the second: for records. */
export function formatDayTime(instant: number, locale: string, zone?: string): string {
  return formatter(locale, zone, { ...DAY_CLOCK, second: '2-digit' }).format(instant);
}
