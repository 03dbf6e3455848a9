import { create } from 'zustand';
import { createJSONStorage, persist } from 'zustand/middleware';

/** What a sign-in, and each renewal of it, answers. */
export interface Tokens {
  access_token: string;
  refresh_token: string;
  /** Seconds that the access token lives. */
  expires_in: number;
}

interface Session {
  token: string | null;
  /** Good for one renewal. */
  refresh: string | null;
  until_ms: number;
  /** Of the tab, so that one made by copying this one is known. */
  holder: string | null;
  /** True when the server ended the session, so that the sign-in page can say so. */
  ended: boolean;
  signIn: (tokens: Tokens) => void;
  signOut: () => void;
  end: () => void;
  /** This tab is a copy of one that renews. */
  giveUpRenewal: () => void;
}

const NOBODY = { token: null, refresh: null, until_ms: 0, holder: null };

/** The session lives as long as the browser tab. */
export const useSession = create<Session>()(
  persist(
    (set, read) => ({
      ...NOBODY,
      ended: false,
      signIn: (tokens) =>
        set({
          token: tokens.access_token,
          refresh: tokens.refresh_token,
          until_ms: Date.now() + 1000 * tokens.expires_in,
          holder: read().holder ?? randomName(),
          ended: false,
        }),
      signOut: () => set({ ...NOBODY, ended: false }),
      end: () => set({ ...NOBODY, ended: true }),
      giveUpRenewal: () => set({ refresh: null, holder: randomName() }),
    }),
    {
      name: 'simems.session',
      storage: createJSONStorage(() => sessionStorage),
      partialize: ({ token, refresh, until_ms, holder }) => ({ token, refresh, until_ms, holder }),
    },
  ),
);

const randomName = (): string => Math.random().toString(36).slice(2);
