import type {
  Action,
  Batch,
  BatchRequest,
  Box,
  Claim,
  ClaimRequest,
  Command,
  CommandRequest,
  LimitEvent,
} from '../src/shared/api/model';

/** Boxes, claims and commands of the made-up cloud; a command is done a moment after it was sent. */
export interface Fleet {
  boxes: Box[];
  claims: Claim[];
  commands: Command[];
}

export const CLAIM_CODE = '0H3N-7RKA-4VXQ-92MD-T5E4';
const PRINT = '5QZ1-0B9G-XK2W-7JTM';
const DONE_MS = 1500;
const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();

function box(id: string, name: string, site_id: string, changes: Partial<Box> = {}): Box {
  return {
    id,
    name,
    type: 'edge',
    vendor: '',
    model: '',
    serial_number: '',
    protocol: 'simems',
    software: '0.1.0',
    firmware_version: '',
    config_version: 1,
    public_key: 'k'.repeat(40),
    fingerprint: '2N5T-MNC1-4YBM-17JB',
    site_id,
    created_at: ago(9e6),
    last_seen_at: ago(0.4),
    last_frame_at: ago(0.4),
    acked_sequence: 90_207,
    revoked_at: null,
    replaced_by: null,
    health: 'ok',
    ...changes,
  };
}

export const newFleet = (): Fleet => ({
  boxes: [
    box('d-1', 'Malmö harbour, box 1', 'malmo-1'),
    box('d-2', 'Lund bakery', 'lund-2', { last_seen_at: ago(5400), health: 'silent' }),
    box('d-0', 'Malmö harbour, old box', 'malmo-1', { revoked_at: ago(9e6), replaced_by: 'd-1' }),
  ],
  claims: [],
  commands: [],
});

export function enter(fleet: Fleet, request: ClaimRequest): Claim {
  const claim: Claim = {
    id: `c-${fleet.claims.length + 1}`,
    name: request.name,
    site_id: request.site_id ?? null,
    replaces: request.replaces ?? null,
    state: 'presented',
    fingerprint: PRINT,
    software: '0.1.0',
    vendor: '',
    model: '',
    serial_number: '',
    presented_at: ago(0),
    device_id: null,
    created_by: 'demo@example.com',
    created_at: ago(0),
    expires_at: ago(-2.6e6),
    decided_by: null,
    decided_at: null,
    reason: '',
  };
  fleet.claims.unshift(claim);
  return claim;
}

export function decide(fleet: Fleet, claim: Claim, state: 'approved' | 'refused'): Claim {
  claim.state = state;
  if (state === 'approved')
    fleet.boxes.push(
      box(`d-${fleet.boxes.length + 2}`, claim.name, claim.site_id ?? 'kivik-4', {
        fingerprint: PRINT,
      }),
    );
  return claim;
}

export function send(
  fleet: Fleet,
  site_id: string,
  request: CommandRequest,
  batch_id: string | null,
): Command {
  const { kind, ...payload } = request.order;
  const command: Command = {
    id: `m-${fleet.commands.length + 1}`,
    site_id,
    device_id: 'd-1',
    batch_id,
    counter: fleet.commands.length + 1,
    kind,
    payload,
    state: 'queued',
    reason: '',
    requested_by: 'demo@example.com',
    created_at: ago(0),
    not_before: ago(10),
    expires_at: ago(-300),
    sent_at: null,
    decided_at: null,
    has_result: kind === 'diagnostics',
  };
  fleet.commands.unshift(command);
  setTimeout(() => {
    command.state = kind === 'clear_fault' ? 'rejected' : 'done';
    command.reason = kind === 'clear_fault' ? 'that fault does not stand' : '';
    command.sent_at = command.decided_at = ago(0);
  }, DONE_MS).unref();
  return command;
}

export function sendMany(fleet: Fleet, { site_ids, order, valid_s }: BatchRequest): Batch {
  const id = `b-${fleet.commands.length + 1}`;
  const results = site_ids.map((site_id) => ({
    site_id,
    command: send(fleet, site_id, { order, valid_s }, id),
    error: null,
  }));
  return { id, results };
}

export const batchOf = (fleet: Fleet, id: string): Batch => ({
  id,
  results: fleet.commands
    .filter((command) => command.batch_id === id)
    .map((command) => ({ site_id: command.site_id, command, error: null })),
});

const action = (seconds: number, code: string, actor: string, text: string): Action => ({
  id: `${code}${seconds}`,
  time: ago(seconds),
  code,
  component: 'ess0',
  text,
  actor,
  severity: 'info',
});

export const actions = (): Action[] => [
  action(
    40,
    'command.rejected',
    'ada@example.com',
    'clear_fault from the cloud: rejected: it does not stand',
  ),
  action(300, 'override.ended', 'system', 'ess0/active_power_w override ended'),
  action(
    1200,
    'override.set',
    'operator',
    'ess0/active_power_w set to 0 for 900 s by operator: operator panel',
  ),
  action(1215, 'sign_in.accepted', 'operator', 'PIN accepted from 127.0.0.1'),
];

export const limits = (): LimitEvent[] =>
  (['released', 'obeyed', 'received'] as const).map((what, place) => ({
    number: 9 - place,
    code: 'dimming',
    what,
    time: ago([600, 2397.5, 2400][place] ?? 0),
    limit_w: what === 'released' ? null : 4200,
    state: 'contact',
    power_w: 4100,
    intact: true,
  }));
