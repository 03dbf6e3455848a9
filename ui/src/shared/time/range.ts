import { TZDate, tzOffset } from '@date-fns/tz';
import {
  addDays,
  addMonths,
  addWeeks,
  eachDayOfInterval,
  eachHourOfInterval,
  startOfDay,
  startOfMonth,
  startOfWeek,
} from 'date-fns';

export type Span = 'day' | 'week' | 'month';

/** Half-open interval of instants (milliseconds), cut at the site's own midnights. */
export interface Range {
  span: Span;
  from: number;
  to: number;
}

const START = {
  day: (date: TZDate) => startOfDay(date),
  week: (date: TZDate) => startOfWeek(date, { weekStartsOn: 1 }),
  month: (date: TZDate) => startOfMonth(date),
};
const ADD = { day: addDays, week: addWeeks, month: addMonths };

/** The day, week or month of the site's zone that holds `instant`. A day has 23, 24 or 25 hours. */
export function rangeAt(span: Span, instant: number, zone: string): Range {
  const start = START[span](new TZDate(instant, zone));
  return { span, from: start.getTime(), to: ADD[span](start, 1).getTime() };
}

export function shift(range: Range, steps: number, zone: string): Range {
  const start = new TZDate(range.from, zone);
  return rangeAt(range.span, ADD[range.span](start, steps).getTime(), zone);
}

/** Instants of the axis' ticks: round wall-clock times of the site, also across a change of the clocks. */
export function ticks(range: Range, zone: string): number[] {
  const start = new TZDate(range.from, zone);
  const end = new TZDate(range.to, zone);
  const dates =
    range.span === 'day'
      ? eachHourOfInterval({ start, end }, { step: 1 }).filter((date) => date.getHours() % 3 === 0)
      : eachDayOfInterval({ start, end }, { step: range.span === 'week' ? 1 : 3 });
  return [...new Set(dates.map((date) => date.getTime()))].filter((time) => time <= range.to);
}

/** True when `zone` shows another wall clock than the viewer's at that instant. */
export function differsFromViewer(zone: string, instant: number): boolean {
  return tzOffset(zone, new Date(instant)) !== -new Date(instant).getTimezoneOffset();
}

/** ISO 8601 with the offset of `zone`, for exports. */
export function isoInZone(instant: number, zone: string): string {
  return new TZDate(instant, zone).toISOString();
}
