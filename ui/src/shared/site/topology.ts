import type { Channel, Component, Latest, Quality, Site, Values } from '@/shared/api/model';

/** Which channel plays which part in the energy balance of a site. */
export interface Topology {
  grid: string | null;
  pv: string[];
  ess: string[];
  evcs: string[];
  load: string | null;
  soc: string | null;
}

const POWER = 'active_power_w';
const LOAD = 'site/load_power_w';

const withKind = (site: Site, ...kinds: string[]): Component[] =>
  site.components.filter((component) => kinds.includes(component.kind));

const has = (component: Component, address: string): boolean =>
  component.channels.some((channel) => channel.address === address);

const powerOf = (components: Component[]): string[] =>
  components
    .map((component) => `${component.id}/${POWER}`)
    .filter((address, index) => components[index] !== undefined && has(components[index], address));

/** The grid meter is the meter called `grid…`, else the first meter. */
function gridMeter(site: Site): Component | undefined {
  const meters = withKind(site, 'meter', 'grid');
  return meters.find((meter) => meter.id.startsWith('grid')) ?? meters[0];
}

export function topologyOf(site: Site): Topology {
  const grid = gridMeter(site);
  const ess = withKind(site, 'ess');
  const battery = ess[0];
  const ownLoad = powerOf(withKind(site, 'load'))[0] ?? null;
  const derived = site.channels.some((channel) => channel.address === LOAD);
  return {
    grid: grid === undefined ? null : (powerOf([grid])[0] ?? null),
    pv: powerOf(withKind(site, 'pv')),
    ess: powerOf(ess),
    evcs: powerOf(withKind(site, 'evcs')),
    load: derived ? LOAD : ownLoad,
    soc: battery === undefined ? null : `${battery.id}/soc_pct`,
  };
}

/** A sum of channels with the worst quality among them; null when any is unknown. */
export interface Reading {
  value: number | null;
  quality: Quality;
  /** Oldest time among the parts, ms. */
  time_ms: number | null;
}

const RANK: Record<Quality, number> = { good: 0, forced: 1, stale: 2, bad: 3 };

export function readingOf(values: Values, addresses: readonly string[]): Reading {
  const parts = addresses.map((address) => values[address]);
  let reading: Reading = { value: 0, quality: 'good', time_ms: null };
  for (const part of parts) {
    if (part?.value == null)
      return { value: null, quality: part?.quality ?? 'stale', time_ms: null };
    const time_ms = part.time === null ? null : Date.parse(part.time);
    reading = {
      value: (reading.value ?? 0) + part.value,
      quality: RANK[part.quality] > RANK[reading.quality] ? part.quality : reading.quality,
      time_ms: oldest(reading.time_ms, time_ms),
    };
  }
  return reading;
}

function oldest(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}

export const trusted = (quality: Quality): boolean => quality === 'good' || quality === 'forced';

/** The peak limit that a peak shaving controller holds, in W. */
export function peakThreshold(site: Site): number | null {
  const controller = site.controllers.find(({ type }) => type === 'peak_shaving');
  return controller === undefined ? null : (site.settings[`${controller.id}/threshold_w`] ?? null);
}

export function nameOf(site: Site | undefined, component: string): string {
  const found = site?.components.find(({ id }) => id === component);
  return found === undefined || found.name === '' ? component : found.name;
}

export function allChannels(site: Site): Channel[] {
  return [...site.components.flatMap((component) => component.channels), ...site.channels];
}

export function latestTime_ms(latest: Latest | undefined): number | null {
  const time = latest?.time == null ? Number.NaN : Date.parse(latest.time);
  return Number.isFinite(time) ? time : null;
}
