import type { Site, Values } from '@/shared/api/model';
import { readingOf, topologyOf, trusted, type Reading } from '@/shared/site/topology';

export type NodeId = 'grid' | 'pv' | 'ess' | 'load' | 'evcs';
/** Seen from the site's bus. */
export type Direction = 'in' | 'out' | 'idle' | 'unknown';
export type Word =
  | 'importing'
  | 'exporting'
  | 'producing'
  | 'charging'
  | 'discharging'
  | 'consuming'
  | 'idle'
  | 'unknown';

export interface FlowNode {
  id: NodeId;
  reading: Reading;
  direction: Direction;
  word: Word;
  soc_pct?: number | null;
}

/** Below this a flow is noise of the meters: no dots move. */
export const IDLE_BELOW_W = 50;

const WORDS: Record<NodeId, { in: Word; out: Word }> = {
  grid: { in: 'importing', out: 'exporting' },
  pv: { in: 'producing', out: 'consuming' },
  ess: { in: 'discharging', out: 'charging' },
  load: { in: 'producing', out: 'consuming' },
  evcs: { in: 'discharging', out: 'charging' },
};
/** Sinks are positive under their own name: their power leaves the bus. */
const SINKS: readonly NodeId[] = ['load', 'evcs'];

export function directionOf(id: NodeId, reading: Reading): Direction {
  if (reading.value === null) return 'unknown';
  if (Math.abs(reading.value) < IDLE_BELOW_W) return 'idle';
  const positive = reading.value > 0;
  return positive !== SINKS.includes(id) ? 'in' : 'out';
}

export function wordOf(id: NodeId, direction: Direction): Word {
  return direction === 'in' || direction === 'out' ? WORDS[id][direction] : direction;
}

/** Nodes of the diagram: those that the site has, in a fixed order. */
export function flowNodes(site: Site, values: Values): FlowNode[] {
  const topology = topologyOf(site);
  const parts: [NodeId, readonly string[]][] = [
    ['pv', topology.pv],
    ['grid', topology.grid === null ? [] : [topology.grid]],
    ['load', topology.load === null ? [] : [topology.load]],
    ['ess', topology.ess],
    ['evcs', topology.evcs],
  ];
  const nodes = parts
    .filter(([, addresses]) => addresses.length > 0)
    .map(([id, addresses]): FlowNode => node(id, readingOf(values, addresses)));
  return nodes.map((item) =>
    item.id === 'ess' && topology.soc !== null
      ? { ...item, soc_pct: values[topology.soc]?.value ?? null }
      : item,
  );
}

function node(id: NodeId, reading: Reading): FlowNode {
  const direction = directionOf(id, reading);
  return { id, reading, direction, word: wordOf(id, direction) };
}

const SLOWEST = 14;
const FASTEST = 130;

/** Speed of the dots, diagram units per second: grows with the root of power, so that 1 kW still creeps
 * visibly beside 100 kW. Positive towards the bus; 0 when idle, unknown or not trusted. */
export function dotSpeed(flow: FlowNode, reference_w: number): number {
  if (flow.direction === 'idle' || flow.direction === 'unknown') return 0;
  if (!trusted(flow.reading.quality) || flow.reading.value === null) return 0;
  const share = Math.min(1, Math.abs(flow.reading.value) / Math.max(reference_w, 1));
  const speed = SLOWEST + (FASTEST - SLOWEST) * Math.sqrt(share);
  return flow.direction === 'in' ? speed : -speed;
}

/** Full speed belongs to the connection's size; without one, to the largest flow. */
export function referencePower_w(site: Site, nodes: readonly FlowNode[]): number {
  const limit = site.import_limit_w ?? 0;
  const largest = Math.max(0, ...nodes.map(({ reading }) => Math.abs(reading.value ?? 0)));
  return Math.max(limit, largest);
}
