import { render, screen } from '@testing-library/react';
import { beforeEach, expect, it } from 'vitest';

import { usePreferences } from '@/shared/preferences/store';
import { aged } from '@/shared/site/aged';

import { SITE, valuesAt } from '../../../mock/plant';

import { Devices } from './Devices.hmi';
import { componentHealth } from './rows';

const VALUES = valuesAt(Date.parse('2026-11-22T16:45:00Z'), null);

beforeEach(() => usePreferences.setState({ language: 'en' }));

it('shows what comes as good', () => {
  render(<Devices site={SITE} values={VALUES} />);
  expect(screen.getAllByText('good').length).toBeGreaterThan(0);
});

it('shows no channel as good when nothing new comes any more', () => {
  render(<Devices site={SITE} values={aged(VALUES)} />);
  expect(screen.queryByText('good')).toBeNull();
  expect(screen.getAllByText('stale').length).toBeGreaterThan(0);
  expect(componentHealth(SITE, aged(VALUES)).good).toBe(0);
});

it('leaves what is worse than old as it is', () => {
  const bad = {
    'ess0/soc_pct': { value: 1, quality: 'bad' as const, time: '2026-11-22T16:45:00Z' },
  };
  expect(aged(bad)).toEqual(bad);
});
