import { useEffect, useSyncExternalStore } from 'react';

import { usePreferences, type Theme } from '@/shared/preferences/store';

const query = () =>
  typeof window.matchMedia === 'function'
    ? window.matchMedia('(prefers-color-scheme: dark)')
    : null;

function subscribe(changed: () => void): () => void {
  const media = query();
  media?.addEventListener('change', changed);
  return () => media?.removeEventListener('change', changed);
}

/** The viewer's choice, else what the system prefers; written to the page for the style sheets. */
export function useTheme(): Theme {
  const chosen = usePreferences((state) => state.theme);
  const language = usePreferences((state) => state.language);
  const dark = useSyncExternalStore(subscribe, () => query()?.matches ?? false);
  const theme: Theme = chosen ?? (dark ? 'dark' : 'light');
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    document.documentElement.lang = language;
  }, [theme, language]);
  return theme;
}
