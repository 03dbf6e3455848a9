import type { Why } from '@/shared/api/model';
import { formatFixed } from '@/shared/format/number';
import { joined, formatPercent, powerText } from '@/shared/format/quantity';
import { formatAge } from '@/shared/format/time';
import { knownKey, type Params, type Translate } from '@/shared/i18n/useT';

export const MAX_CHARACTERS = 90;
const NEAR_ZERO_W = 50;

export interface WhyContext {
  t: Translate;
  locale: string;
  /** Display name of a component. */
  name: (component: string) => string;
}

/** The server's code and numbers in the viewer's language; its English text when that is not possible. */
export function whySentence(why: Why, context: WhyContext): string {
  const key = knownKey(`why.${variant(why)}`);
  if (key === null) return why.text;
  const sentence = context.t(key, whyParams(why, context));
  return sentence.includes('{') ? why.text : sentence;
}

/** "idle" is said in three ways, by what the server tells along with it. */
function variant({ code, params }: Why): string {
  if (code !== 'idle') return code;
  const { power_w, threshold_w, soc_pct } = params;
  if (typeof power_w === 'number' && Math.abs(power_w) >= NEAR_ZERO_W) return 'idle.other';
  if (threshold_w === undefined) return 'idle';
  return soc_pct === undefined ? 'idle.atLimit' : 'idle.kept';
}

function whyParams(why: Why, { t, locale, name }: WhyContext): Params {
  const params: Record<string, string> = {};
  for (const [key, value] of Object.entries(why.params)) {
    params[key] = typeof value === 'string' ? text(key, value, name) : number(key, value, locale);
  }
  const power_w = why.params.power_w;
  if (typeof power_w === 'number')
    params.action = t(actionKey(power_w), { power: powerText(power_w, locale) });
  return params;
}

const actionKey = (power_w: number) => {
  if (Math.abs(power_w) < NEAR_ZERO_W) return 'why.action.hold' as const;
  return power_w > 0 ? ('why.action.discharge' as const) : ('why.action.charge' as const);
};

const text = (key: string, value: string, name: WhyContext['name']): string =>
  key === 'component' ? name(value) : value;

/** The unit stands in the parameter's name. */
function number(key: string, value: number, locale: string): string {
  if (key.endsWith('_w')) return powerText(value, locale);
  if (key.endsWith('_pct')) return joined(formatPercent(value, locale));
  if (key.endsWith('_s')) return formatAge(value, locale);
  return formatFixed(value, Number.isInteger(value) ? 0 : 1, locale);
}
