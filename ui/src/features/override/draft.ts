import type { Site, Values } from '@/shared/api/model';
import { powerText } from '@/shared/format/quantity';
import { formatClock, formatDuration } from '@/shared/format/time';
import type { Translate } from '@/shared/i18n/useT';

export type Action = 'charge' | 'hold' | 'discharge';

/** What a person is putting together before it is confirmed. */
export interface Draft {
  action: Action;
  power_w: number;
  duration_s: number;
}

export const FIRST_DRAFT: Draft = { action: 'hold', power_w: 5000, duration_s: 900 };
export const DURATIONS_S = [300, 900, 1800, 3600, 14_400] as const;

/** Discharge is positive, as everywhere. */
export function setpoint_w(draft: Draft): number {
  if (draft.action === 'hold') return 0;
  return draft.action === 'discharge' ? draft.power_w : -draft.power_w;
}

export function batteryOf(site: Site): string | null {
  return site.components.find(({ kind }) => kind === 'ess')?.id ?? null;
}

/** The most that the battery says it takes or gives now, W; null when it does not say. */
export function limit_w(action: Action, battery: string, values: Values): number | null {
  const point = action === 'charge' ? 'max_charge_power_w' : 'max_discharge_power_w';
  return values[`${battery}/${point}`]?.value ?? null;
}

export const stepped = (power_w: number, step_w: number, most_w: number | null): number =>
  Math.min(most_w ?? Infinity, Math.max(1000, power_w + step_w));

interface Words {
  t: Translate;
  locale: string;
  zone: string;
}

/** The sentence of the second touch: what will happen, in watts, for how long, until when. */
export function consequence(draft: Draft, now_ms: number, { t, locale, zone }: Words): string {
  const params = {
    power: powerText(setpoint_w(draft), locale),
    duration: formatDuration(draft.duration_s),
    until: formatClock(now_ms + draft.duration_s * 1000, locale, zone),
  };
  return t(`override.will.${draft.action}`, params);
}
