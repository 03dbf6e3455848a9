import { formatScaled, joined, powerText } from '@/shared/format/quantity';
import { formatDuration } from '@/shared/format/time';
import type { Key } from '@/shared/i18n/en';
import type { Params, Translate } from '@/shared/i18n/useT';
import { wordOf } from '@/shared/i18n/words';

import type { Kind } from './kinds';

interface Words {
  t: Translate;
  locale: string;
  /** Ids of the site's batteries; without them a name that begins with `ess` is one. */
  batteries?: readonly string[];
}

/** What a command carries, as the API shows it; fields of other kinds are absent. */
export type Payload = Readonly<Record<string, unknown>>;

interface Said {
  what: string;
  params: Params;
}

/** In the future, with its consequences: for the person who is about to send it. */
export function willDo(kind: string, payload: Payload, words: Words, file?: string): string {
  return sentence('will', kind, payload, words, file);
}

/** Short, for a list. */
export function didSay(kind: string, payload: Payload, words: Words): string {
  return sentence('did', kind, payload, words);
}

function sentence(
  tense: 'will' | 'did',
  kind: string,
  payload: Payload,
  words: Words,
  file?: string,
) {
  const said = SAYERS[kind]?.(payload, words, file);
  if (said === undefined) return kind;
  return words.t(`${tense}.${said.what}` as Key, said.params);
}

type Sayer = (payload: Payload, words: Words, file?: string) => Said;

const plain =
  (what: string): Sayer =>
  () => ({ what, params: {} });

const SAYERS: Partial<Record<string, Sayer>> = {
  override: sayOverride,
  mode: (payload, { t }) => {
    const duration_s = number(payload.duration_s);
    const params = { mode: modeName(text(payload.mode), t), duration: formatDuration(duration_s) };
    return { what: duration_s > 0 ? 'modeFor' : 'mode', params };
  },
  clear_fault: (payload) => ({ what: 'clear_fault', params: { code: text(payload.code) } }),
  schedule: (payload, _words, file) => {
    const schedule = payload.schedule as { id?: unknown; slots?: unknown[] } | null;
    if (schedule === null) return { what: 'scheduleNone', params: {} };
    const name = file ?? text(schedule.id);
    return { what: 'schedule', params: { name, count: schedule.slots?.length ?? 0 } };
  },
  configuration: (_payload, _words, file) => ({
    what: 'configuration',
    params: { name: file ?? '' },
  }),
  update: (payload) => ({
    what: 'update',
    params: { name: text(payload.version) || text(payload.url) },
  }),
  restart: plain('restart'),
  diagnostics: plain('diagnostics'),
  rotate_key: plain('rotate_key'),
} satisfies Record<Kind, Sayer>;

function sayOverride(payload: Payload, { locale, batteries }: Words): Said {
  const target = text(payload.target);
  if (payload.clear === true) return { what: 'clear', params: { target } };
  const value = number(payload.value);
  const duration = formatDuration(number(payload.duration_s));
  const owner = target.split('/')[0] ?? target;
  const isEss = batteries?.includes(owner) ?? owner.startsWith('ess');
  const battery = isEss && target === `${owner}/active_power_w`;
  if (!battery)
    return { what: 'set', params: { target, value: valueText(target, value, locale), duration } };
  const what = value === 0 ? 'hold' : value > 0 ? 'discharge' : 'charge';
  return { what, params: { target: owner, power: powerText(value, locale), duration } };
}

/** The unit stands at the end of every address. */
export function unitOf(address: string): string {
  const unit = /_(w|var|va|wh|a|v|hz|pct|s|degc)$/.exec(address)?.[1] ?? '';
  const SIGNS: Record<string, string> = {
    pct: '%',
    degc: '°C',
    w: 'W',
    wh: 'Wh',
    va: 'VA',
    a: 'A',
    v: 'V',
    hz: 'Hz',
  };
  return SIGNS[unit] ?? unit;
}

function valueText(address: string, value: number, locale: string): string {
  const unit = unitOf(address);
  if (['W', 'var', 'VA', 'Wh'].includes(unit)) return joined(formatScaled(value, unit, locale));
  return unit === '' ? String(value) : `${value}\u00a0${unit}`;
}

export function modeName(mode: string, t: Translate): string {
  if (mode === 'AUTO') return t('command.mode.auto');
  const isState = ['RUN', 'STANDBY', 'SHUTDOWN'].includes(mode);
  return wordOf(isState ? 'state' : 'mode', mode, t);
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const number = (value: unknown): number => (typeof value === 'number' ? value : 0);
