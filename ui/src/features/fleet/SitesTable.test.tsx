import { MantineProvider } from '@mantine/core';
import { render, screen } from '@testing-library/react';
import { beforeEach, expect, it } from 'vitest';

import type { SiteOverview } from '@/shared/api/model';
import { usePreferences } from '@/shared/preferences/store';

import { SitesTable } from './SitesTable.portal';

const site = (id: string, changes: Partial<SiteOverview>): SiteOverview => ({
  id,
  name: id,
  time_zone: 'UTC',
  currency: 'EUR',
  online: true,
  last_seen_at: '2026-11-26T06:00:00Z',
  state: 'RUN',
  control_mode: 'PEAK_SHAVING',
  active_alarms: 0,
  grid_power_w: 1000,
  pv_power_w: 0,
  ess_power_w: 0,
  load_power_w: 1000,
  soc_pct: 50,
  ...changes,
});

beforeEach(() => usePreferences.setState({ language: 'en' }));

it('has what needs somebody on top: silent, in fault, with alarms', () => {
  const sites = [
    site('well', {}),
    site('alarms', { active_alarms: 2 }),
    site('fault', { state: 'FAULT' }),
    site('silent', { online: false }),
  ];
  render(
    <MantineProvider>
      <SitesTable sites={sites} />
    </MantineProvider>,
  );
  const shown = screen.getAllByRole('link').map((link) => link.textContent);
  expect(shown).toEqual(['silent', 'fault', 'alarms', 'well']);
});
