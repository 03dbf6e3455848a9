import type { Channel, Component, Site, Values } from '../src/shared/api/model';

/** A made-up supermarket day: load, sun and a battery that holds a 60 kW limit. Deterministic in time. */
export interface Power {
  grid: number;
  pv: number;
  ess: number;
  load: number;
  evcs: number;
  soc: number;
}

const LIMIT_W = 60_000;
const hourOf = (time_ms: number): number => (((time_ms / 3_600_000 + 1) % 24) + 24) % 24;
const bump = (hour: number, centre: number, width: number): number =>
  Math.exp(-(((hour - centre) / width) ** 2));
const wobble = (time_ms: number, size: number): number =>
  size *
  (Math.sin(time_ms / 7_300) + Math.sin(time_ms / 61_000) + 0.5 * Math.sin(time_ms / 409_000));

export function powerAt(time_ms: number): Power {
  const hour = hourOf(time_ms);
  const load =
    34_000 + 26_000 * bump(hour, 11, 3) + 30_000 * bump(hour, 17.5, 2.2) + wobble(time_ms, 900);
  const pv = Math.max(
    0,
    46_000 * bump(hour, 12.5, 2.6) - 900 + wobble(time_ms, 300) * bump(hour, 12.5, 2),
  );
  const evcs = hour > 8 && hour < 16 ? 11_000 : 0;
  const need = load + evcs - pv;
  const ess =
    need > LIMIT_W ? need - LIMIT_W : need < 25_000 ? Math.max(-20_000, need - 25_000) : 0;
  const soc = 62 + 22 * Math.sin(((hour - 5) / 24) * 2 * Math.PI);
  return { grid: need - ess, pv, ess, load, evcs, soc };
}

const channel = (address: string, unit: string, rest: Partial<Channel> = {}): Channel => ({
  address,
  unit,
  kind: 'float',
  resolution: 0,
  labels: {},
  ...rest,
});

function component(id: string, kind: string, name: string, points: [string, string][]): Component {
  const channels = points.map(([point, unit]) => channel(`${id}/${point}`, unit));
  channels.push(channel(`${id}/communication`, '', { kind: 'bool' }));
  return { id, kind, name, profile: `sunspec_${kind}`, channels };
}

export const SITE: Site = {
  id: 'malmo-1',
  name: 'Malmö harbour 1',
  time_zone: 'Europe/Stockholm',
  currency: 'SEK',
  import_limit_w: 100_000,
  export_limit_w: 50_000,
  components: [
    component('grid0', 'meter', 'Grid meter', [
      ['active_power_w', 'W'],
      ['frequency_hz', 'Hz'],
      ['voltage_l1_v', 'V'],
      ['import_energy_wh', 'Wh'],
      ['power_factor', ''],
    ]),
    component('pv0', 'pv', 'Roof PV', [
      ['active_power_w', 'W'],
      ['energy_wh', 'Wh'],
    ]),
    component('ess0', 'ess', 'Battery', [
      ['active_power_w', 'W'],
      ['soc_pct', '%'],
      ['max_charge_power_w', 'W'],
      ['max_discharge_power_w', 'W'],
      ['capacity_wh', 'Wh'],
      ['temperature_degc', 'degC'],
    ]),
    component('evcs0', 'evcs', 'Charger', [['active_power_w', 'W']]),
  ],
  controllers: [
    { id: 'peak0', type: 'peak_shaving' },
    { id: 'self0', type: 'self_consumption' },
  ],
  channels: [
    channel('site/load_power_w', 'W'),
    channel('site/state', '', { kind: 'enum', labels: { '2': 'RUN' } }),
    channel('cycle/count', ''),
    channel('cycle/work_us_p99', 'us'),
    channel('cycle/lateness_us_p50', 'us'),
    channel('cycle/lateness_us_p99', 'us'),
    channel('cycle/lateness_us_max', 'us'),
    channel('cycle/overruns', ''),
    channel('cycle/skipped', ''),
  ],
  settings: {
    'peak0/threshold_w': LIMIT_W,
    'ess0/minimum_soc_pct': 10,
    'ess0/maximum_soc_pct': 95,
  },
};

export function numbersAt(time_ms: number): Record<string, number> {
  const { grid, pv, ess, load, evcs, soc } = powerAt(time_ms);
  return {
    'grid0/active_power_w': grid,
    'grid0/frequency_hz': 50 + wobble(time_ms, 0.01),
    'grid0/voltage_l1_v': 231.4 + wobble(time_ms, 0.3),
    'grid0/import_energy_wh': 48_213_400,
    'grid0/power_factor': 0.97,
    'grid0/communication': 1,
    'pv0/active_power_w': pv,
    'pv0/energy_wh': 9_120_000,
    'pv0/communication': 1,
    'ess0/active_power_w': ess,
    'ess0/soc_pct': soc,
    'ess0/max_charge_power_w': 60_000,
    'ess0/max_discharge_power_w': 60_000,
    'ess0/capacity_wh': 120_000,
    'ess0/temperature_degc': 21.4,
    'ess0/communication': 1,
    'evcs0/active_power_w': evcs,
    'evcs0/communication': 1,
    'site/load_power_w': load,
    'site/state': 2,
    'cycle/count': Math.floor((time_ms % 1e9) / 100),
    'cycle/work_us_p99': 142,
    'cycle/lateness_us_p50': 58,
    'cycle/lateness_us_p99': 340,
    'cycle/lateness_us_max': 2210,
    'cycle/overruns': 0,
    'cycle/skipped': 0,
  };
}

export function valuesAt(time_ms: number, silent: string | null): Values {
  const time = new Date(time_ms).toISOString();
  const old = new Date(time_ms - 17_000).toISOString();
  return Object.fromEntries(
    Object.entries(numbersAt(time_ms)).map(([address, value]) => {
      const quiet = silent !== null && address.startsWith(`${silent}/`);
      const quality = quiet ? ('stale' as const) : ('good' as const);
      return [address, { value, quality, time: quiet ? old : time }];
    }),
  );
}
