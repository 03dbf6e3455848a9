import { observeServerDate } from '@/shared/time/serverClock';

import { ApiError, errorFrom } from './problem';

const BASE = '/api/v1';

type Query = Record<string, string | number | boolean | readonly string[] | undefined>;

interface Access {
  token: () => string | null;
  /** Called when a call that carried a token is answered with 401. */
  refused: () => void;
}

let access: Access = { token: () => null, refused: () => undefined };

/** Each app says once where its token comes from. */
export function setAccess(source: Access): void {
  access = source;
}

export function queryString(query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    const values = Array.isArray(value) ? (value as readonly string[]) : [String(value)];
    for (const item of values) search.append(name, item);
  }
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}

async function send(path: string, init: RequestInit): Promise<Response> {
  const token = access.token();
  const headers = new Headers(init.headers);
  if (token !== null) headers.set('Authorization', `Bearer ${token}`);
  const response = await fetch(BASE + path, { ...init, headers }).catch((cause: unknown) => {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw new ApiError(
      0,
      'The server does not answer',
      cause instanceof Error ? cause.message : '',
    );
  });
  observeServerDate(response.headers.get('Date'), Date.now());
  if (response.ok) return response;
  if (response.status === 401 && token !== null) access.refused();
  throw await errorFrom(response);
}

export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const response = await send(path + queryString(query), signal === undefined ? {} : { signal });
  return (await response.json()) as T;
}

export async function post<T>(path: string, body?: unknown): Promise<T> {
  const init: RequestInit =
    body === undefined
      ? { method: 'POST' }
      : {
          method: 'POST',
          body: JSON.stringify(body),
          headers: { 'Content-Type': 'application/json' },
        };
  return (await (await send(path, init)).json()) as T;
}

export async function postForm<T>(path: string, fields: Record<string, string>): Promise<T> {
  const response = await send(path, { method: 'POST', body: new URLSearchParams(fields) });
  return (await response.json()) as T;
}

export async function remove(path: string): Promise<void> {
  await send(path, { method: 'DELETE' });
}
