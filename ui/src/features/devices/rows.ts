import type { Channel, ChannelValue, Quality, Site, Values } from '@/shared/api/model';

export interface DeviceRow {
  component: string;
  componentName: string;
  channel: Channel;
  /** Address without the component. */
  point: string;
  current: ChannelValue | undefined;
  quality: Quality | 'none';
}

export const QUALITY_ORDER: readonly DeviceRow['quality'][] = [
  'bad',
  'stale',
  'none',
  'forced',
  'good',
];

function row(
  component: string,
  componentName: string,
  channel: Channel,
  values: Values,
): DeviceRow {
  const current = values[channel.address];
  const known = current !== undefined && current.value !== null;
  return {
    component,
    componentName,
    channel,
    point: channel.address.slice(channel.address.indexOf('/') + 1),
    current,
    quality: known ? current.quality : 'none',
  };
}

/** Every channel of the site with its current value; virtual ones under the word before their slash. */
export function deviceRows(site: Site, values: Values): DeviceRow[] {
  const own = site.components.flatMap((component) =>
    component.channels.map((channel) =>
      row(component.id, component.name || component.id, channel, values),
    ),
  );
  const virtual = site.channels.map((channel) => {
    const owner = channel.address.split('/')[0] ?? '';
    return row(owner, owner, channel, values);
  });
  return [...own, ...virtual];
}

export interface DeviceHealth {
  good: number;
  stale: number;
  bad: number;
  /** Has channels but never had a value. */
  none: number;
}

/** Components by the worst of their measured values; channels that never had a value do not count. */
export function componentHealth(site: Site, values: Values): DeviceHealth {
  const health: DeviceHealth = { good: 0, stale: 0, bad: 0, none: 0 };
  for (const component of site.components) {
    health[worstQuality(component.channels, values)] += 1;
  }
  return health;
}

export function worstQuality(channels: readonly Channel[], values: Values): keyof DeviceHealth {
  const qualities = channels
    .map((channel) => values[channel.address])
    .filter((current) => current?.value != null)
    .map((current) => current?.quality);
  if (qualities.length === 0) return 'none';
  if (qualities.includes('bad')) return 'bad';
  return qualities.includes('stale') ? 'stale' : 'good';
}
