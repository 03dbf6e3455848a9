import { afterEach, describe, expect, it, vi } from 'vitest';

import { watchForCopies } from './copies';
import { useSession } from './store';

/** The channel of one browser: what a tab says reaches the others. */
class Channel {
  static open: Channel[] = [];
  onmessage: ((event: { data: unknown }) => void) | null = null;
  said: unknown[] = [];
  constructor() {
    Channel.open.push(this);
  }
  postMessage(data: unknown): void {
    this.said.push(data);
  }
}

afterEach(() => {
  Channel.open = [];
  vi.unstubAllGlobals();
  useSession.getState().signOut();
});

function tab(): { hear: (data: unknown) => void; said: unknown[] } {
  vi.stubGlobal('BroadcastChannel', Channel);
  watchForCopies();
  const channel = Channel.open.at(-1);
  if (channel === undefined) throw new Error('the tab opened no channel');
  return { hear: (data) => channel.onmessage?.({ data }), said: channel.said };
}

const signIn = () =>
  useSession.getState().signIn({ access_token: 'a', refresh_token: 'r', expires_in: 900 });

describe('a tab', () => {
  it('that finds another with its name gives up renewing, once', () => {
    signIn();
    const holder = useSession.getState().holder;
    const copy = tab();
    expect(copy.said).toEqual([{ holder, asks: true }]);
    copy.hear({ holder, asks: false });
    expect(useSession.getState()).toMatchObject({ token: 'a', refresh: null });
    expect(useSession.getState().holder).not.toBe(holder);
  });

  it('answers who asks for its name, and goes on', () => {
    const original = tab();
    signIn();
    const holder = useSession.getState().holder;
    original.hear({ holder: 'another', asks: true });
    original.hear('nonsense');
    expect(original.said).toEqual([]);
    original.hear({ holder, asks: true });
    expect(original.said).toEqual([{ holder, asks: false }]);
    original.hear({ holder, asks: false });
    expect(useSession.getState().refresh).toBe('r');
  });
});
