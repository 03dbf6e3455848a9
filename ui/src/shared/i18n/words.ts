import { knownKey, type Translate } from './useT';

/** A server's word in the viewer's language, else the word itself made readable. */
export function wordOf(prefix: string, code: string, t: Translate): string {
  const key = knownKey(`${prefix}.${code.toLowerCase()}`);
  if (key !== null) return t(key);
  return code
    .replaceAll('_', ' ')
    .toLowerCase()
    .replace(/^./, (first) => first.toUpperCase());
}

/** "RUN · Peak shaving". */
export function stateText(state: string | null, mode: string | null, t: Translate): string {
  const parts = [state === null ? '' : wordOf('state', state, t)];
  if (mode !== null && mode !== '' && state?.toUpperCase() === 'RUN')
    parts.push(wordOf('mode', mode, t));
  return parts.filter((part) => part !== '').join(' · ') || '–';
}
