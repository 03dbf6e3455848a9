import { screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { usePreferences } from '@/shared/preferences/store';
import { renderServed } from '@/shared/testing/served';

import { Alarms } from './Alarms.hmi';

beforeEach(() => usePreferences.setState({ language: 'en' }));
afterEach(() => vi.unstubAllGlobals());

const show = (alarms: unknown, faults: unknown) =>
  renderServed(<Alarms zone="UTC" />, { '/alarms': alarms, '/faults': faults });

it('says that there is no alarm when that is known', async () => {
  show([], []);
  expect(await screen.findByText(/^No alarms/)).toBeInTheDocument();
  expect(screen.getByRole('heading')).toHaveTextContent('Alarms 0');
});

it.each([
  ['alarms', 503, []],
  ['faults', [], 503],
])('does not say so while %s are not known', async (_, alarms, faults) => {
  show(alarms, faults);
  expect(await screen.findByRole('alert')).toHaveTextContent(/the disk is full/);
  expect(screen.queryByText(/^No alarms/)).toBeNull();
});

it('counts nothing that it does not know', async () => {
  show(503, []);
  expect(await screen.findByRole('heading')).toHaveTextContent('Alarms –');
});
