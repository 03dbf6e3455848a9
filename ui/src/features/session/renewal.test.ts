import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { get, setAccess } from '@/shared/api/client';

import { currentToken, refused } from './renewal';
import { useSession } from './store';

type Answer = (token: string | null) => Response;

const tokens = (name: string, expires_in = 900) => ({
  access_token: `access-${name}`,
  refresh_token: `refresh-${name}`,
  expires_in,
});
const answer = (status: number, body: unknown = {}) =>
  new Response(JSON.stringify(body), { status });

/** The server: what each path answers to the token that came; every call is noted. */
function server(paths: Record<string, Answer>): string[] {
  const calls: string[] = [];
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    const token = new Headers(init.headers).get('Authorization');
    calls.push(`${url.replace('/api/v1', '')} ${token ?? '-'}`);
    const found = paths[url.replace('/api/v1', '')];
    return found === undefined
      ? Promise.reject(new TypeError('nobody there'))
      : Promise.resolve(found(token));
  });
  return calls;
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  setAccess({ token: currentToken, refused });
  useSession.getState().signOut();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('a session', () => {
  it('is renewed once before it ends, however many calls want it', async () => {
    useSession.getState().signIn(tokens('1'));
    const calls = server({
      '/me': () => answer(200, { name: 'Ada' }),
      '/auth/refresh': () => answer(200, tokens('2')),
    });
    await get('/me');
    vi.advanceTimersByTime(14.5 * 60_000);
    await Promise.all([get('/me'), get('/me'), get('/me')]);
    expect(calls).toEqual([
      '/me Bearer access-1',
      '/auth/refresh -',
      ...Array.from({ length: 3 }, () => '/me Bearer access-2'),
    ]);
    expect(useSession.getState().refresh).toBe('refresh-2');
  });

  it('goes on when the server forgot the token alone, and ends when it ended', async () => {
    useSession.getState().signIn(tokens('1'));
    server({
      '/me': (token) => answer(token === 'Bearer access-2' ? 200 : 401, { name: 'Ada' }),
      '/auth/refresh': () => answer(200, tokens('2')),
    });
    await expect(get('/me')).resolves.toEqual({ name: 'Ada' });
    server({ '/me': () => answer(401), '/auth/refresh': () => answer(401) });
    await expect(get('/me')).rejects.toMatchObject({ status: 401 });
    expect(useSession.getState()).toMatchObject({ token: null, refresh: null, ended: true });
  });

  it('outlives a server that is away for a while', async () => {
    useSession.getState().signIn(tokens('1'));
    vi.advanceTimersByTime(14.5 * 60_000);
    const calls = server({ '/me': () => answer(200, { name: 'Ada' }) });
    await expect(get('/me')).resolves.toEqual({ name: 'Ada' });
    expect(calls).toEqual(['/auth/refresh -', '/me Bearer access-1']);
    vi.advanceTimersByTime(10 * 60_000);
    await expect(get('/me')).rejects.toMatchObject({ status: 0 });
    expect(useSession.getState()).toMatchObject({ token: 'access-1', ended: false });
    server({
      '/me': () => answer(200, { name: 'Ada' }),
      '/auth/refresh': () => answer(200, tokens('2')),
    });
    await expect(get('/me')).resolves.toEqual({ name: 'Ada' });
  });

  it('stays over for who signs out while it is renewed', async () => {
    useSession.getState().signIn(tokens('1'));
    vi.advanceTimersByTime(14.5 * 60_000);
    server({
      '/me': (token) => answer(token === null ? 401 : 200),
      '/auth/refresh': () => {
        useSession.getState().signOut();
        return answer(200, tokens('2'));
      },
    });
    await expect(get('/me')).rejects.toMatchObject({ status: 401 });
    expect(useSession.getState()).toMatchObject({ token: null, ended: false });
  });

  it('of a copied tab is not renewed: it would end that of both', async () => {
    useSession.getState().signIn(tokens('1'));
    useSession.getState().giveUpRenewal();
    vi.advanceTimersByTime(14.5 * 60_000);
    const calls = server({ '/me': () => answer(401) });
    await expect(get('/me')).rejects.toMatchObject({ status: 401 });
    expect(calls).toEqual(['/me Bearer access-1']);
    expect(useSession.getState().ended).toBe(true);
  });
});
