import { observeServerDate } from '@/shared/time/serverClock';

import { ApiError, errorFrom } from './problem';

const BASE = '/api/v1';

type Query = Record<string, string | number | boolean | readonly string[] | undefined>;

interface Access {
  /** One that is still good, when there can be one. */
  token: () => Promise<string | null>;
  /** Called when a call that carried this token is answered with 401; true: there is another one now, try again. */
  refused: (token: string) => Promise<boolean>;
}

let access: Access = { token: () => Promise.resolve(null), refused: () => Promise.resolve(false) };

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
  const token = await access.token();
  let response = await attempt(path, init, token);
  if (response.status === 401 && token !== null && (await access.refused(token)))
    response = await attempt(path, init, await access.token());
  if (response.ok) return response;
  throw await errorFrom(response);
}

async function attempt(path: string, init: RequestInit, token: string | null): Promise<Response> {
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
  return response;
}

export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  const response = await send(path + queryString(query), signal === undefined ? {} : { signal });
  return (await response.json()) as T;
}

export interface Page<T> {
  items: T[];
  /** Where the next page begins; null on the last one. */
  after: string | null;
}

/** One page of a list whose `Link` header leads to the next. */
export async function getPage<T>(
  path: string,
  query: Query = {},
  signal?: AbortSignal,
): Promise<Page<T>> {
  const response = await send(path + queryString(query), signal === undefined ? {} : { signal });
  const items = (await response.json()) as T[];
  return { items, after: afterIn(response.headers.get('Link')) };
}

/** The cursor of the link to the next page. */
export function afterIn(link: string | null): string | null {
  const target = /<([^>]*)>;\s*rel="?next"?/.exec(link ?? '')?.[1];
  return target === undefined ? null : new URL(target, 'http://here').searchParams.get('after');
}

export async function getFile(path: string): Promise<Blob> {
  return (await send(path, {})).blob();
}

function json(body: unknown, headers: Record<string, string> = {}): RequestInit {
  if (body === undefined) return { method: 'POST', headers };
  headers['Content-Type'] = 'application/json';
  return { method: 'POST', headers, body: JSON.stringify(body) };
}

/** `once`: a key of the client's choice; the same call sent again with it is done once. */
export async function post<T>(path: string, body?: unknown, once?: string): Promise<T> {
  const headers: Record<string, string> = once === undefined ? {} : { 'Idempotency-Key': once };
  return (await (await send(path, json(body, headers))).json()) as T;
}

/** A call whose answer has no body. */
export async function act(path: string, body?: unknown): Promise<void> {
  await send(path, json(body));
}

/** A call that carries no token. */
export async function postOpen<T>(path: string, body: unknown): Promise<T> {
  const response = await attempt(path, json(body), null);
  if (!response.ok) throw await errorFrom(response);
  return (await response.json()) as T;
}

export async function postForm<T>(path: string, fields: Record<string, string>): Promise<T> {
  const response = await send(path, { method: 'POST', body: new URLSearchParams(fields) });
  return (await response.json()) as T;
}

export async function remove(path: string): Promise<void> {
  await send(path, { method: 'DELETE' });
}
