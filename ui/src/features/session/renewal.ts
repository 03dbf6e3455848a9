import { postOpen } from '@/shared/api/client';
import { ApiError } from '@/shared/api/problem';

import { useSession, type Tokens } from './store';

/** A token is renewed so long before it ends: a call under way is not cut off by it. */
const EARLY_MS = 60_000;

let renewing: Promise<string | null> | null = null;

/** The token to use now; renewed first when it is about to end. */
export function currentToken(): Promise<string | null> {
  const { token, refresh, until_ms } = useSession.getState();
  const good = token === null || refresh === null || Date.now() < until_ms - EARLY_MS;
  return good ? Promise.resolve(token) : renew();
}

/** The server refused this token: whether there is another one to try. Ends the session when there is none. */
export async function refused(token: string): Promise<boolean> {
  const session = useSession.getState();
  if (session.token !== token) return session.token !== null;
  if (session.refresh !== null) return (await renew()) !== null;
  session.end();
  return false;
}

/** However many calls want it: a refresh token that came twice would end the session. */
function renew(): Promise<string | null> {
  renewing ??= ask().finally(() => {
    renewing = null;
  });
  return renewing;
}

async function ask(): Promise<string | null> {
  const { refresh } = useSession.getState();
  try {
    const tokens = await postOpen<Tokens>('/auth/refresh', { refresh_token: refresh });
    // Who signed out meanwhile stays signed out.
    if (useSession.getState().refresh === refresh) useSession.getState().signIn(tokens);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) return stillGood(error);
    if (useSession.getState().refresh === refresh) useSession.getState().end();
  }
  return useSession.getState().token;
}

/** Without an answer the old token serves as long as it lives. */
function stillGood(error: unknown): string | null {
  const { token, until_ms } = useSession.getState();
  if (Date.now() < until_ms) return token;
  throw error;
}
