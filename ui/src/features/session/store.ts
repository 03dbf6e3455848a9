import { create } from 'zustand';
import { createJSONStorage, persist } from 'zustand/middleware';

interface Session {
  token: string | null;
  /** True when the server ended the session, so that the sign-in page can say so. */
  ended: boolean;
  signIn: (token: string) => void;
  signOut: () => void;
  end: () => void;
}

/** The bearer token lives as long as the browser tab. */
export const useSession = create<Session>()(
  persist(
    (set) => ({
      token: null,
      ended: false,
      signIn: (token) => set({ token, ended: false }),
      signOut: () => set({ token: null, ended: false }),
      end: () => set({ token: null, ended: true }),
    }),
    {
      name: 'simems.session',
      storage: createJSONStorage(() => sessionStorage),
      partialize: ({ token }) => ({ token }),
    },
  ),
);
