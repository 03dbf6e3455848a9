import type {
  Alarm,
  CloudSite,
  CycleHealth,
  EnergySummary,
  Fault,
  History,
  Latest,
  Me,
  Override,
  SiteOverview,
  SyncStatus,
  ClaimCode,
  DeviceIdentity,
  Why,
} from '../src/shared/api/model';

import type { Fleet } from './fleet';
import { numbersAt, powerAt, SITE, valuesAt } from './plant';

/** What the made-up servers shall play. Chosen per server, changed by `POST /__mock?scenario=…`. */
export const SCENARIOS = [
  'normal',
  'alarm',
  'fault',
  'stale',
  'offline',
  'empty',
  'loading',
  'broken',
] as const;
export type Scenario = (typeof SCENARIOS)[number];

export interface World {
  scenario: Scenario;
  override: Override | null;
  acknowledged: Set<string>;
  faultCleared: boolean;
  started_ms: number;
  wrongPins: number;
  fleet: Fleet;
}

/** The instant the site last spoke. */
export function siteTime(world: World): number {
  if (world.scenario === 'offline') return world.started_ms - 340_000;
  return world.scenario === 'stale' ? world.started_ms - 24_000 : Date.now();
}

function whyAt(world: World, time_ms: number): Why {
  if (world.scenario === 'alarm') {
    const text = 'Standing still: grid0 has given no data for 17 s.';
    return {
      code: 'fallback.stale_meter',
      params: { component: 'grid0', age_s: 17, power_w: 0 },
      text,
      source: 'fallback',
      bound: null,
    };
  }
  if (world.override !== null) {
    const params = { power_w: world.override.value };
    return {
      code: 'manual.override',
      params,
      text: 'A person has set it by hand.',
      source: 'manual',
      bound: null,
    };
  }
  const { ess, soc } = powerAt(time_ms);
  const params = { power_w: ess, threshold_w: 60_000, soc_pct: soc };
  if (ess > 50)
    return {
      code: 'peak_shaving.discharging',
      params,
      text: 'Discharging.',
      source: 'peak0',
      bound: null,
    };
  if (ess < -50)
    return {
      code: 'peak_shaving.recharging',
      params,
      text: 'Charging.',
      source: 'peak0',
      bound: null,
    };
  return {
    code: 'idle',
    params: { power_w: 0 },
    text: 'Standing by.',
    source: 'fallback',
    bound: null,
  };
}

export function latest(world: World): Latest {
  const time_ms = siteTime(world);
  const values = valuesAt(time_ms, world.scenario === 'alarm' ? 'grid0' : null);
  const mode = world.scenario === 'alarm' ? 'FALLBACK' : world.override ? 'MANUAL' : 'PEAK_SHAVING';
  return {
    time: new Date(time_ms).toISOString(),
    cycle: Math.floor(time_ms / 100) % 1_000_000,
    state: 'RUN',
    control_mode: mode,
    why: whyAt(world, time_ms),
    values: world.scenario === 'empty' ? {} : values,
  };
}

export function cloudSite(world: World): CloudSite {
  return {
    ...SITE,
    online: world.scenario !== 'offline',
    last_seen_at: new Date(siteTime(world)).toISOString(),
    device: { id: 'd-1', name: 'malmo-1-box', software: '0.1.0' },
  };
}

export function sites(world: World): SiteOverview[] {
  if (world.scenario === 'empty') return [];
  const row = (
    id: string,
    name: string,
    share: number,
    rest: Partial<SiteOverview> = {},
  ): SiteOverview => {
    const { grid, pv, ess, load, soc } = powerAt(siteTime(world));
    return {
      id,
      name,
      time_zone: SITE.time_zone,
      currency: 'SEK',
      online: true,
      last_seen_at: new Date().toISOString(),
      state: 'RUN',
      control_mode: 'PEAK_SHAVING',
      active_alarms: 0,
      grid_power_w: grid * share,
      pv_power_w: pv * share,
      ess_power_w: ess * share,
      load_power_w: load * share,
      soc_pct: soc * share,
      ...rest,
    };
  };
  const seen = new Date(Date.now() - 7_400_000).toISOString();
  return [
    row('malmo-1', 'Malmö harbour 1', 1, { active_alarms: world.scenario === 'alarm' ? 1 : 0 }),
    row('lund-2', 'Lund bakery', 0.4, { control_mode: 'SELF_CONSUMPTION', active_alarms: 2 }),
    row('ystad-3', 'Ystad cold store', 0.9, { online: false, last_seen_at: seen }),
    row('kivik-4', 'Kivik orchard', 0.01, { control_mode: 'IDLE' }),
  ];
}

export function history(
  from_ms: number,
  to_ms: number,
  channels: string[],
  points: number,
): History {
  const steps = [1, 10, 60, 300, 900, 3600];
  const resolution_s = steps.find((step) => (to_ms - from_ms) / 1000 / step <= points) ?? 3600;
  const end = Math.min(to_ms, Date.now());
  const times: number[] = [];
  for (let time = from_ms; time < end; time += resolution_s * 1000) {
    const hour = new Date(time).getUTCHours() + new Date(time).getUTCMinutes() / 60;
    if (hour < 2.5 || hour > 3.25) times.push(time); // A link that was down: no rows at all.
  }
  const numbers = times.map(numbersAt);
  const columns = channels.map((channel) => {
    const mean = numbers.map((row) => row[channel] ?? null);
    return [channel, { mean, minimum: mean, maximum: mean }] as const;
  });
  return {
    resolution_s,
    times: times.map((time) => new Date(time).toISOString()),
    series: Object.fromEntries(columns),
  };
}

export function alarms(world: World, active: boolean): Alarm[] {
  const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();
  const base = { site_id: 'malmo-1', origin: 'edge' as const, cleared_at: null };
  const seen = (id: string) =>
    world.acknowledged.has(id)
      ? { acknowledged_at: ago(5), acknowledged_by: 'operator' }
      : { acknowledged_at: null, acknowledged_by: null };
  const standing: Alarm = {
    ...base,
    ...seen('a-1'),
    id: 'a-1',
    code: 'communication.silent',
    severity: 'alarm',
    component: 'grid0',
    text: 'Grid meter is silent',
    cause: 'No answer on 127.0.0.1:1502 for 17 s.',
    effect: 'The battery stands at 0 W; the peak limit is not held.',
    remedy: 'Check the cable and the power of the meter; it clears by itself when data return.',
    raised_at: ago(17),
  };
  const past: Alarm = {
    ...base,
    ...seen('a-0'),
    id: 'a-0',
    code: 'sync.down',
    severity: 'warning',
    component: 'cloud',
    text: 'No link to the cloud',
    cause: 'The server did not answer.',
    effect: 'Records queue on the box.',
    remedy: 'Nothing to do: they follow by themselves.',
    raised_at: ago(90_000),
    cleared_at: ago(88_000),
  };
  if (world.scenario === 'empty') return [];
  if (world.scenario === 'fault')
    return [
      ...faults(world).map((fault) => ({ ...past, ...seen(fault.id), ...faultAlarm(fault) })),
      ...(active ? [] : [past]),
    ];
  return [...(world.scenario === 'alarm' ? [standing] : []), ...(active ? [] : [past])];
}

function faultAlarm({
  id,
  code,
  component,
  severity,
  text,
  cause,
  effect,
  remedy,
  raised_at,
}: Fault) {
  return {
    id,
    code,
    component,
    severity,
    text,
    cause,
    effect,
    remedy,
    raised_at,
    cleared_at: null,
  };
}

/** One whose cause is gone, one whose cause stands. */
export function faults(world: World): Fault[] {
  if (world.scenario !== 'fault') return [];
  const raised_at = new Date(world.started_ms - 600_000).toISOString();
  const cell: Fault = {
    id: 'cell_undervoltage:ess0',
    code: 'cell_undervoltage',
    component: 'ess0',
    severity: 'alarm',
    text: 'A cell of ess0 is discharged too deep',
    cause: 'The lowest cell voltage is below its limit.',
    effect: 'The battery does not discharge; it may still be charged.',
    remedy: 'Charge the battery, find out why the cell is low, then clear the fault.',
    direction: 'discharge',
    reaction: 'block_discharge',
    latched: true,
    clearable: true,
    raised_at,
    translations: {
      sv: {
        text: 'En cell i ess0 är för djupt urladdad',
        cause: 'Den lägsta cellspänningen är under sin gräns.',
        effect: 'Batteriet laddas inte ur; det får fortfarande laddas.',
        remedy: 'Ladda batteriet, ta reda på varför cellen är låg och ta sedan bort felet.',
      },
    },
  };
  const stop: Fault = {
    id: 'emergency_stop:site',
    code: 'emergency_stop',
    component: 'site',
    severity: 'alarm',
    text: 'Emergency stop',
    cause: 'The emergency stop is pressed, or its line is broken.',
    effect: 'Every battery stands at 0 W; the state is FAULT.',
    remedy: 'Make the site safe, release the button, then clear the fault.',
    direction: 'both',
    reaction: 'stop',
    latched: true,
    clearable: false,
    raised_at,
    translations: {},
  };
  return world.faultCleared ? [stop] : [cell, stop];
}

export const ME: Me = {
  email: 'demo@example.com',
  name: 'Dana Demo',
  role: 'fleet_manager',
  roles: ['fleet_manager'],
  permissions: [
    'alarms:acknowledge',
    'alarms:read',
    'commands:read',
    'commands:write',
    'devices:read',
    'devices:write',
    'sites:read',
    'telemetry:read',
  ],
  second_factor: false,
  must_enrol: false,
  tenant: { id: 't-1', name: 'Demo AB' },
};

export const SUMMARY: EnergySummary = {
  import_wh: 412_300,
  export_wh: 3_200,
  pv_wh: 231_000,
  load_wh: 618_000,
  charge_wh: 61_000,
  discharge_wh: 54_200,
  self_sufficiency_pct: 36.4,
  peak_import_w: 57_900,
  peak_import_at: new Date(Date.now() - 9_000_000).toISOString(),
  sources: { import_wh: 'register', export_wh: 'register', pv_wh: 'register', load_wh: 'mixed' },
};

export const CYCLE: CycleHealth = {
  running: true,
  period_s: 0.1,
  cycles: 864_112,
  skipped: 0,
  overruns: 0,
  late_proposals: 3,
  refused_proposals: 0,
  unfinished_splits: 0,
  work_us_p50: 61,
  work_us_p99: 142,
  work_us_max: 1430,
  lateness_us_p50: 58,
  lateness_us_p99: 340,
  lateness_us_p999: 820,
  lateness_us_max: 2210,
  lateness_1min_us_p50: 57,
  lateness_1min_us_p99: 330,
  lateness_1min_us_p999: 610,
  lateness_1min_us_max: 640,
  phases: {
    latch: { us_p50: 9, us_p99: 21 },
    estimate: { us_p50: 1, us_p99: 2 },
    propose_wait: { us_p50: 840, us_p99: 2900 },
    arbitrate: { us_p50: 2, us_p99: 5 },
    guard: { us_p50: 1, us_p99: 3 },
    publish: { us_p50: 17, us_p99: 88 },
  },
  input_age_s_p50: 0.12,
  input_age_s_max: 0.94,
  realtime: true,
  memory_locked: true,
};

export function sync(world: World): SyncStatus {
  const down = world.scenario === 'offline' || world.scenario === 'alarm';
  return {
    link: down ? 'down' : 'up',
    error: down ? 'tcp://ingest.example.com:7700 is not reachable' : '',
    connections: 4,
    resends: 0,
    dropped_frames: 0,
    dropped_events: 0,
    thinned_rows: 0,
    refused_frames: 0,
    lost_in_memory: 0,
    clock_offset_s: down ? null : -0.012,
    queue_frames: down ? 212 : 3,
    oldest_unsent_at: new Date(Date.now() - (down ? 212_000 : 1_200)).toISOString(),
    last_ack_at: new Date(Date.now() - (down ? 213_000 : 900)).toISOString(),
    last_sequence: 90_210,
    acked_sequence: 90_207,
  };
}

export function identity(world: World): DeviceIdentity {
  const refused = world.scenario === 'offline';
  return {
    public_key: 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7',
    fingerprint: '5QZ1-0B9G-XK2W-7JTM',
    signing_key: '3f'.repeat(32),
    admitted: !refused,
    waits_for: refused ? 'enter the claim code' : '',
  };
}

export const CLAIM: ClaimCode = {
  code: '0H3N-7RKA-4VXQ-92MD-T5E4',
  fingerprint: '5QZ1-0B9G-XK2W-7JTM',
  qr_svg: '<svg viewBox="0 0 9 9"><path d="M0 0h9v9H0z"/></svg>',
};
