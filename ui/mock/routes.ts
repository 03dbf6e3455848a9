import type { Override, OverrideRequest } from '../src/shared/api/model';

import { RECOVERY, SECOND_FACTOR, SESSIONS, TOKENS } from './account';
import {
  alarms,
  cloudSite,
  CYCLE,
  faults,
  history,
  latest,
  ME,
  sites,
  SUMMARY,
  sync,
  CLAIM,
  identity,
  type World,
} from './answers';
import { actions, limits } from './fleet';
import { fleetAnswer } from './fleetRoutes';
import { SITE } from './plant';

export type App = 'portal' | 'hmi';

/** The made-up secrets of the made-up servers. */
export const PASSWORD = 'demo';
export const PIN = '4711';

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    detail: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(detail);
  }
}

export interface Call {
  method: string;
  path: string;
  query: URLSearchParams;
  body: string;
  token: string | null;
}

interface Answer {
  status: number;
  body: unknown;
}

const ok = (body: unknown, status = 200): Answer => ({ status, body });

export function answer(app: App, world: World, call: Call): Answer {
  if (world.scenario === 'broken')
    throw new Refusal(503, 'Not available', 'the database does not answer');
  const found = app === 'portal' ? cloud(world, call) : edge(world, call);
  if (found === null) throw new Refusal(404, 'Not found', `there is nothing at ${call.path}`);
  return found;
}

function cloud(world: World, call: Call): Answer | null {
  if (call.path === '/auth/token') return signIn(world, call);
  if (call.path === '/auth/refresh') return ok(TOKENS);
  if (call.token === null) throw new Refusal(401, 'Not signed in', 'sign in first');
  if (call.path === '/me') return ok(ME);
  if (call.path === '/auth/sign-out' || call.path.startsWith('/me/')) return account(call);
  if (call.path === '/sites') return ok(sites(world));
  const fleet = fleetAnswer(world.fleet, call);
  if (fleet !== undefined) return ok(fleet);
  const site = /^\/sites\/[^/]+(.*)$/.exec(call.path);
  if (site?.[1] === '') return ok(cloudSite(world));
  if (site?.[1] === '/summary') return ok(SUMMARY);
  return shared(world, call, site?.[1] ?? call.path);
}

function edge(world: World, call: Call): Answer | null {
  if (call.path === '/site') return ok(SITE);
  if (call.path === '/cycle') return ok(CYCLE);
  if (call.path === '/sync') return ok(sync(world));
  if (call.path === '/actions') return ok(world.scenario === 'empty' ? [] : actions());
  if (call.path === '/limits') return ok(world.scenario === 'empty' ? [] : limits());
  if (call.path === '/identity') return ok(identity(world));
  if (call.path === '/identity/claim') return ok(CLAIM);
  if (call.path === '/auth/pin') return pin(world, call);
  if (call.path.startsWith('/overrides')) return overrides(world, call);
  if (call.path.startsWith('/faults')) return standingFaults(world, call);
  return shared(world, call, call.path);
}

function shared(world: World, call: Call, path: string): Answer | null {
  if (path === '/latest') return ok(latest(world));
  if (path === '/history') return ok(recorded(world, call.query));
  if (path === '/alarms') return ok(alarms(world, call.query.get('active') === 'true'));
  const acknowledged = /^\/alarms\/([^/]+)\/acknowledge$/.exec(path)?.[1];
  if (acknowledged === undefined) return null;
  needToken(call);
  world.acknowledged.add(acknowledged);
  return ok(alarms(world, false).find(({ id }) => id === acknowledged));
}

function recorded(world: World, query: URLSearchParams) {
  const read = (name: string) => Date.parse(query.get(name) ?? '');
  const to = world.scenario === 'empty' ? read('from') : read('to');
  return history(
    read('from'),
    to,
    query.getAll('channel'),
    Number(query.get('max_points') ?? 1000),
  );
}

function signIn(world: World, call: Call): Answer {
  const form = new URLSearchParams(call.body);
  if (world.wrongPins >= 4)
    throw new Refusal(429, 'Too many attempts', 'locked', { 'Retry-After': '60' });
  if (form.get('password') !== PASSWORD) {
    world.wrongPins += 1;
    throw new Refusal(401, 'Not signed in', 'e-mail or password is wrong');
  }
  world.wrongPins = 0;
  return ok(TOKENS);
}

/** One's own account; nothing of it is kept. */
function account(call: Call): Answer | null {
  if (call.path === '/me/sessions') return ok(SESSIONS);
  if (call.path === '/me/second-factor') return ok(SECOND_FACTOR);
  if (call.path === '/me/second-factor/confirm') return ok(RECOVERY);
  return ok(null);
}

function pin(world: World, call: Call): Answer {
  const { pin: given } = JSON.parse(call.body) as { pin: string };
  if (world.wrongPins >= 4)
    throw new Refusal(429, 'Too many attempts', 'locked', { 'Retry-After': '60' });
  if (given !== PIN) {
    world.wrongPins += 1;
    throw new Refusal(401, 'Not signed in', 'wrong PIN');
  }
  world.wrongPins = 0;
  return ok({ access_token: 'mock', token_type: 'bearer', expires_in: 900, role: 'operator' });
}

function standingFaults(world: World, call: Call): Answer {
  if (call.method === 'GET') return ok(faults(world));
  needToken(call);
  const id = decodeURIComponent(/^\/faults\/([^/]+)\/clear$/.exec(call.path)?.[1] ?? '');
  if (faults(world).find((fault) => fault.id === id)?.clearable !== true)
    throw new Refusal(409, 'Conflict', `fault ${id} cannot be cleared while its cause stands`);
  world.faultCleared = true;
  return ok({ cleared: [id] });
}

function needToken(call: Call): void {
  if (call.token === null) throw new Refusal(401, 'Not signed in', 'sign in with the PIN first');
}

function overrides(world: World, call: Call): Answer {
  if (call.method === 'GET') return ok(world.override === null ? [] : [world.override]);
  needToken(call);
  if (call.method === 'DELETE') {
    world.override = null;
    return ok(null, 204);
  }
  const request = JSON.parse(call.body) as OverrideRequest;
  const now = Date.now();
  const made: Override = {
    target: request.target,
    value: request.value,
    reason: request.reason,
    actor: 'operator',
    role: 'operator',
    outlasts_restart: request.outlasts_restart,
    set_at: new Date(now).toISOString(),
    expires_at: new Date(now + request.duration_s * 1000).toISOString(),
  };
  world.override = made;
  return ok(made, 201);
}
