import type {
  BatchRequest,
  ChannelFacts,
  ClaimRequest,
  CommandRequest,
} from '../src/shared/api/model';

import { batchOf, decide, enter, send, sendMany, type Fleet } from './fleet';

interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  body: string;
}

const settable = (address: string): ChannelFacts => ({
  address,
  unit: 'W',
  kind: 'float',
  resolution: 1,
  labels: {},
  access: 'write',
  minimum: null,
  maximum: null,
  scale: 1,
  offset: 0,
  rollover: 0,
  description: '',
  source: '',
  announced: true,
});

/** Boxes, claims and commands; undefined: not one of these calls. */
export function fleetAnswer(fleet: Fleet, call: Asked): unknown {
  const { method, path } = call;
  if (path === '/devices') return fleet.boxes;
  if (path.startsWith('/device-claims')) return claims(fleet, call);
  const revoked = /^\/devices\/([^/]+)\/revoke$/.exec(path)?.[1];
  if (revoked !== undefined) return revoke(fleet, revoked);
  if (path === '/command-batches') return sendMany(fleet, JSON.parse(call.body) as BatchRequest);
  const batch = /^\/command-batches\/(.+)$/.exec(path)?.[1];
  if (batch !== undefined) return batchOf(fleet, batch);
  if (path === '/commands') return shown(fleet, call, null);
  const site = /^\/sites\/([^/]+)\/(commands|channels)$/.exec(path);
  if (site === null) return undefined;
  if (site[2] === 'channels')
    return [settable('ess0/active_power_w'), settable('pv0/active_power_limit_w')];
  const site_id = site[1] ?? '';
  return method === 'POST'
    ? send(fleet, site_id, JSON.parse(call.body) as CommandRequest, null)
    : shown(fleet, call, site_id);
}

function shown(fleet: Fleet, { query }: Asked, site_id: string | null) {
  const states = query.getAll('state');
  return fleet.commands.filter(
    (command) =>
      (site_id === null || command.site_id === site_id) &&
      (states.length === 0 || states.includes(command.state)),
  );
}

function claims(fleet: Fleet, { method, path, body }: Asked): unknown {
  const [, , id, verb] = path.split('/');
  if (id === undefined)
    return method === 'POST' ? enter(fleet, JSON.parse(body) as ClaimRequest) : fleet.claims;
  const claim = fleet.claims.find((one) => one.id === id);
  if (claim === undefined) return undefined;
  return decide(fleet, claim, verb === 'approve' ? 'approved' : 'refused');
}

function revoke(fleet: Fleet, id: string): unknown {
  const box = fleet.boxes.find((one) => one.id === id);
  if (box === undefined) return undefined;
  box.revoked_at = new Date().toISOString();
  box.health = 'retired';
  return box;
}
