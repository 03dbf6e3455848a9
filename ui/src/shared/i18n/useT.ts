import { useMemo } from 'react';

import { usePreferences, type Language } from '@/shared/preferences/store';

import { en, type Key } from './en';
import { sv } from './sv';

export type Params = Readonly<Record<string, string | number>>;
export type Translate = (key: Key, params?: Params) => string;

const DICTIONARIES: Record<Language, Record<Key, string>> = { en, sv };
const LOCALES: Record<Language, string> = { en: 'en-GB', sv: 'sv-SE' };

/** Fills `{name}`; a missing parameter stays visible, so that it is found. */
export function fill(template: string, params: Params = {}): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}

export function translator(language: Language): Translate {
  const dictionary = DICTIONARIES[language];
  return (key, params) => fill(dictionary[key], params);
}

/** The key when the dictionary has it: for codes that come from a server. */
export function knownKey(candidate: string): Key | null {
  return Object.hasOwn(en, candidate) ? (candidate as Key) : null;
}

export function useT(): { t: Translate; locale: string; language: Language } {
  const language = usePreferences((state) => state.language);
  return useMemo(
    () => ({ t: translator(language), locale: LOCALES[language], language }),
    [language],
  );
}
