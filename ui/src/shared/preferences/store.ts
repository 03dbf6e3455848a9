import { create } from 'zustand';
import { persist } from 'zustand/middleware';

export type Language = 'en' | 'sv';
export type Theme = 'light' | 'dark';

interface Preferences {
  language: Language;
  /** `null`: as the system says. */
  theme: Theme | null;
  setLanguage: (language: Language) => void;
  setTheme: (theme: Theme) => void;
}

const firstLanguage = (): Language =>
  typeof navigator !== 'undefined' && navigator.language.startsWith('sv') ? 'sv' : 'en';

/** What this viewer likes; kept in this browser only. */
export const usePreferences = create<Preferences>()(
  persist(
    (set) => ({
      language: firstLanguage(),
      theme: null,
      setLanguage: (language) => set({ language }),
      setTheme: (theme) => set({ theme }),
    }),
    { name: 'simems.preferences', partialize: ({ language, theme }) => ({ language, theme }) },
  ),
);
