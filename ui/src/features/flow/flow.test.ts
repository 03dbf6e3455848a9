import { describe, expect, it } from 'vitest';

import { SITE, valuesAt } from '../../../mock/plant';

import { directionOf, dotSpeed, flowNodes, wordOf, type FlowNode, type NodeId } from './flow';

const reading = (value: number | null, quality: 'good' | 'stale' = 'good') => ({
  value,
  quality,
  time_ms: 0,
});

describe('direction and word', () => {
  it.each<[NodeId, number | null, string, string]>([
    ['grid', 22_000, 'in', 'importing'],
    ['grid', -22_000, 'out', 'exporting'],
    ['pv', 31_000, 'in', 'producing'],
    ['ess', 38_000, 'in', 'discharging'],
    ['ess', -38_000, 'out', 'charging'],
    ['load', 77_000, 'out', 'consuming'],
    ['evcs', 14_000, 'out', 'charging'],
    ['ess', 30, 'idle', 'idle'],
    ['ess', -49, 'idle', 'idle'],
    ['grid', null, 'unknown', 'unknown'],
  ])('%s at %s W flows %s: %s', (id, value, direction, word) => {
    const found = directionOf(id, reading(value));
    expect(found).toBe(direction);
    expect(wordOf(id, found)).toBe(word);
  });
});

describe('dotSpeed', () => {
  const node = (value: number, quality: 'good' | 'stale' = 'good'): FlowNode => ({
    id: 'grid',
    reading: reading(value, quality),
    direction: directionOf('grid', reading(value)),
    word: 'importing',
  });
  it('rises with power and turns with direction', () => {
    const slow = dotSpeed(node(1000), 100_000);
    const fast = dotSpeed(node(60_000), 100_000);
    expect(slow).toBeGreaterThan(0);
    expect(fast).toBeGreaterThan(slow);
    expect(dotSpeed(node(-60_000), 100_000)).toBe(-fast);
  });
  it('stands still for idle and for old values', () => {
    expect(dotSpeed(node(10), 100_000)).toBe(0);
    expect(dotSpeed(node(60_000, 'stale'), 100_000)).toBe(0);
  });
});

describe('flowNodes', () => {
  it('shows what the site has, with the state of charge on the battery', () => {
    const nodes = flowNodes(SITE, valuesAt(Date.parse('2026-11-22T11:00:00Z'), null));
    expect(nodes.map(({ id }) => id)).toEqual(['pv', 'grid', 'load', 'ess', 'evcs']);
    expect(nodes.find(({ id }) => id === 'ess')?.soc_pct).toBeGreaterThan(0);
  });
  it('leaves out what the site has not', () => {
    const components = SITE.components.filter(({ kind }) => kind !== 'evcs' && kind !== 'pv');
    const nodes = flowNodes({ ...SITE, components }, {});
    expect(nodes.map(({ id }) => id)).toEqual(['grid', 'load', 'ess']);
    expect(nodes.every(({ direction }) => direction === 'unknown')).toBe(true);
  });
  it('adds up several of a kind and doubts the sum when one of them is old', () => {
    const second = { id: 'pv1', kind: 'pv', name: '', profile: '', channels: [] };
    const channels = [
      { address: 'pv1/active_power_w', unit: 'W', kind: 'float', resolution: 0, labels: {} },
    ];
    const site = { ...SITE, components: [...SITE.components, { ...second, channels }] };
    const values = {
      'pv0/active_power_w': { value: 1000, quality: 'good', time: null },
      'pv1/active_power_w': { value: 500, quality: 'stale', time: null },
    } as const;
    const pv = flowNodes(site, values).find(({ id }) => id === 'pv');
    expect(pv?.reading).toMatchObject({ value: 1500, quality: 'stale' });
  });
});
