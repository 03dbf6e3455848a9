import { describe, expect, it } from 'vitest';

import type { Why } from '@/shared/api/model';
import { en } from '@/shared/i18n/en';
import { sv } from '@/shared/i18n/sv';
import { translator } from '@/shared/i18n/useT';

import { MAX_CHARACTERS, whySentence } from './sentence';

const context = { t: translator('en'), locale: 'en-GB', name: (id: string) => `Meter ${id}` };
const swedish = { ...context, t: translator('sv'), locale: 'sv-SE' };
const why = (code: string, params: Why['params'] = {}): Why => ({
  code,
  params,
  text: 'said by the server',
  source: 'peak0',
  bound: null,
});
const plain = (text: string) => text.replaceAll('\u00a0', ' ');

describe('whySentence', () => {
  it('says the numbers of the server in the language of the viewer', () => {
    const shaving = why('peak_shaving.discharging', { power_w: 38_000, threshold_w: 60_000 });
    expect(plain(whySentence(shaving, context))).toBe(
      'Discharging 38.0 kW: grid would pass the 60.0 kW peak limit.',
    );
    expect(plain(whySentence(shaving, swedish))).toBe(
      'Laddar ur 38,0 kW: nätet skulle passera effektgränsen 60,0 kW.',
    );
  });
  it('names the silent device and its age', () => {
    const stale = why('fallback.stale_meter', { component: 'grid0', age_s: 12.4 });
    expect(plain(whySentence(stale, context))).toContain('Meter grid0 silent for 12 s');
  });
  it('says charging without a minus', () => {
    const text = whySentence(why('manual.override', { power_w: -5000 }), context);
    expect(plain(text)).toBe('Charging 5.00 kW: set by hand.');
  });
  it('takes the text of the server for a code or a number that it does not know', () => {
    expect(whySentence(why('island.forming'), context)).toBe('said by the server');
    expect(whySentence(why('peak_shaving.discharging'), context)).toBe('said by the server');
    expect(whySentence(why('idle', { power_w: 9000 }), context)).toBe('said by the server');
  });
  it('tells the three kinds of idle apart', () => {
    expect(whySentence(why('idle'), context)).toContain('not needed');
    expect(whySentence(why('idle', { threshold_w: 6e4 }), context)).toContain('Standing by: grid');
    const kept = whySentence(why('idle', { threshold_w: 6e4, soc_pct: 40 }), context);
    expect(plain(kept)).toContain('Holding at 40 %');
  });

  const codes = Object.keys(en).filter((key) => key.startsWith('why.') && /\.\w+\./.test(key));
  const params = {
    power_w: -123_000,
    threshold_w: 123_000,
    soc_pct: 95,
    component: 'grid0',
    age_s: 300,
  };
  it.each(codes)('%s stays a short line in both languages', (key) => {
    for (const language of [context, swedish]) {
      const text = whySentence(why(key.slice(4), params), language);
      expect(text.length).toBeLessThanOrEqual(MAX_CHARACTERS);
    }
  });
});

describe('dictionaries', () => {
  it('use the same parameters in both languages', () => {
    const names = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();
    for (const [key, text] of Object.entries(en)) {
      expect([key, names(sv[key as keyof typeof en])]).toEqual([key, names(text)]);
    }
  });
});
