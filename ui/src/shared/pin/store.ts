import { create } from 'zustand';

interface Pin {
  token: string | null;
  /** Ends at this time (ms, this machine's clock), whatever the server still allows. */
  until_ms: number;
  /** What to do once the PIN was right; the pad is open while this is set. */
  pending: (() => void) | null;
  /** Run `action` now when a person is signed in, else after the PIN. */
  require: (action: () => void) => void;
  accept: (token: string, lifetime_s: number) => void;
  cancel: () => void;
  lock: () => void;
}

/** Who may act on this screen: kept in memory only, for a few minutes. */
export const usePin = create<Pin>()((set, read) => ({
  token: null,
  until_ms: 0,
  pending: null,
  require: (action) => {
    if (read().token !== null && Date.now() < read().until_ms) action();
    else set({ token: null, pending: action });
  },
  accept: (token, lifetime_s) => {
    const action = read().pending;
    set({ token, until_ms: Date.now() + lifetime_s * 1000, pending: null });
    action?.();
  },
  cancel: () => set({ pending: null }),
  lock: () => set({ token: null, until_ms: 0 }),
}));
