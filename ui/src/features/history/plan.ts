import type { Site } from '@/shared/api/model';
import { topologyOf, type Topology } from '@/shared/site/topology';

/** Channels that the power and state-of-charge charts ask for. */
export function chartChannels(site: Site): { topology: Topology; channels: string[] } {
  const topology = topologyOf(site);
  const { grid, pv, ess, evcs, load, soc } = topology;
  const channels = [grid, ...pv, ...ess, ...evcs, load, soc];
  return { topology, channels: channels.filter((channel) => channel !== null) };
}
