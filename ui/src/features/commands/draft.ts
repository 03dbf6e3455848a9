import type { Order } from '@/shared/api/model';

import type { Kind } from './kinds';

export type BatteryAction = 'charge' | 'hold' | 'discharge';

/** What a person is putting together. One draft for all kinds: what was typed stays when the kind changes. */
export interface Draft {
  kind: Kind;
  target: string;
  action: BatteryAction;
  /** kW of a battery, else in the target's unit. */
  value: number | '';
  duration_min: number | '';
  reason: string;
  clear: boolean;
  outlasts_restart: boolean;
  mode: string;
  code: string;
  file: { name: string; text: string } | null;
  url: string;
  sha256: string;
  version: string;
  valid_s: number;
}

export const FIRST_DRAFT: Draft = {
  kind: 'override',
  target: '',
  action: 'hold',
  value: 5,
  duration_min: 15,
  reason: '',
  clear: false,
  outlasts_restart: false,
  mode: 'AUTO',
  code: '',
  file: null,
  url: '',
  sha256: '',
  version: '',
  valid_s: 300,
};

export type Wrong =
  'target' | 'value' | 'duration' | 'reason' | 'mode' | 'code' | 'file' | 'url' | 'sha';

export const LONGEST_MIN = 1440;
const HEX = /^[0-9a-f]{64}$/i;

/** A battery's power: said as charging and discharging, never as a sign. */
export const isBattery = (target: string, batteries: readonly string[]): boolean =>
  batteries.some((battery) => target === `${battery}/active_power_w`);

/** What must be mended before it can be sent. */
export function wrongIn(draft: Draft, battery: boolean): Wrong[] {
  const wrong: [Wrong, boolean][] = {
    override: overrideWrong(draft, battery),
    clear_fault: [['code', draft.code.trim() === '']] as [Wrong, boolean][],
    mode: [
      ['mode', draft.mode === ''],
      [
        'duration',
        !(
          draft.duration_min !== '' &&
          draft.duration_min >= 0 &&
          draft.duration_min <= LONGEST_MIN
        ),
      ],
    ] as [Wrong, boolean][],
    schedule: [['file', scheduleIn(draft) === null]] as [Wrong, boolean][],
    configuration: [['file', draft.file === null || draft.file.text.trim() === '']] as [
      Wrong,
      boolean,
    ][],
    update: [
      ['url', !/^https:\/\/\S+$/.test(draft.url.trim())],
      ['sha', !HEX.test(draft.sha256.trim())],
    ] as [Wrong, boolean][],
    restart: [],
    diagnostics: [],
    rotate_key: [],
  }[draft.kind];
  return wrong.filter(([, is]) => is).map(([name]) => name);
}

function overrideWrong(draft: Draft, battery: boolean): [Wrong, boolean][] {
  const target: [Wrong, boolean] = ['target', draft.target.trim() === ''];
  if (draft.clear) return [target];
  const minutes = draft.duration_min;
  const reason = draft.reason.trim();
  return [
    target,
    ['value', !(battery && draft.action === 'hold') && !isNumber(draft.value)],
    ['duration', !(minutes !== '' && minutes > 0 && minutes <= LONGEST_MIN)],
    ['reason', reason === '' || reason.length > 200],
  ];
}

const isNumber = (value: number | ''): boolean => value !== '' && Number.isFinite(value);

/** Discharge is positive, as everywhere. */
export function overrideValue(draft: Draft, battery: boolean): number {
  const value = draft.value === '' ? 0 : draft.value;
  if (!battery) return value;
  if (draft.action === 'hold') return 0;
  return Math.abs(value) * 1000 * (draft.action === 'charge' ? -1 : 1);
}

/** The object in the schedule's file; null while there is none that reads as one. */
export function scheduleIn(draft: Draft): Record<string, unknown> | null {
  if (draft.file === null) return null;
  try {
    const read: unknown = JSON.parse(draft.file.text);
    return typeof read === 'object' && read !== null && !Array.isArray(read)
      ? (read as Record<string, unknown>)
      : null;
  } catch {
    return null; // Said as `wrong: file`.
  }
}

/** What is sent. Only for a draft with nothing wrong in it. */
export function orderOf(draft: Draft, battery: boolean): Order {
  const duration_s = draft.duration_min === '' ? 0 : draft.duration_min * 60;
  switch (draft.kind) {
    case 'override':
      return {
        kind: 'override',
        target: draft.target.trim(),
        value: draft.clear ? 0 : overrideValue(draft, battery),
        duration_s: draft.clear ? 0 : duration_s,
        reason: draft.clear ? '' : draft.reason.trim(),
        outlasts_restart: !draft.clear && draft.outlasts_restart,
        clear: draft.clear,
      };
    case 'mode':
      return { kind: 'mode', mode: draft.mode, duration_s };
    case 'clear_fault':
      return { kind: 'clear_fault', code: draft.code.trim() };
    case 'schedule':
      return { kind: 'schedule', schedule: scheduleIn(draft) };
    case 'configuration':
      return { kind: 'configuration', site_yaml: draft.file?.text ?? '' };
    case 'update':
      return {
        kind: 'update',
        url: draft.url.trim(),
        sha256: draft.sha256.trim().toLowerCase(),
        version: draft.version.trim(),
      };
    case 'restart':
    case 'diagnostics':
    case 'rotate_key':
      return { kind: draft.kind };
  }
}
