import { useSession } from './store';

/** A browser copies what a tab holds into one that is made from it, the refresh token too. Used by both it would end the
 * session of both, so the copy gives it up: it asks for a new sign-in when its token ends. */
export function watchForCopies(): void {
  if (typeof BroadcastChannel === 'undefined') return;
  const channel = new BroadcastChannel('simems.session');
  const mine = useSession.getState().holder;
  channel.onmessage = ({ data }: MessageEvent<unknown>) => {
    const { holder, giveUpRenewal } = useSession.getState();
    const said = readWord(data);
    if (said === null || holder === null || said.holder !== holder) return;
    if (said.asks) channel.postMessage({ holder, asks: false });
    else if (holder === mine) giveUpRenewal();
  };
  if (mine !== null) channel.postMessage({ holder: mine, asks: true });
}

function readWord(data: unknown): { holder: string; asks: boolean } | null {
  if (typeof data !== 'object' || data === null) return null;
  const { holder, asks } = data as { holder?: unknown; asks?: unknown };
  return typeof holder === 'string' && typeof asks === 'boolean' ? { holder, asks } : null;
}
