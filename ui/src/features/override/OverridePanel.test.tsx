import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import type { Override } from '@/shared/api/model';
import { usePin } from '@/shared/pin/store';
import { usePreferences } from '@/shared/preferences/store';
import { renderServed } from '@/shared/testing/served';

import { SITE, valuesAt } from '../../../mock/plant';

import { OverridePanel } from './OverridePanel.hmi';

const VALUES = valuesAt(Date.parse('2026-11-22T16:45:00Z'), null);
const STANDING = {
  target: 'ess0/active_power_w',
  value: 0,
  expires_at: '2099-01-01T00:00:00Z',
  actor: 'operator',
} as Override;

const show = (overrides: unknown) =>
  renderServed(<OverridePanel site={SITE} values={VALUES} />, { '/overrides': overrides });

beforeEach(() => {
  usePreferences.setState({ language: 'en' });
  usePin.setState({ token: null, until_ms: 0, pending: null });
  HTMLDialogElement.prototype.showModal = vi.fn();
  HTMLDialogElement.prototype.close = vi.fn();
});
afterEach(() => vi.unstubAllGlobals());

it('lets nothing be chosen before it is known whether an override stands', async () => {
  show(503);
  expect(await screen.findByRole('alert')).toHaveTextContent(/cannot be read.*the disk is full/);
  expect(screen.queryByRole('button', { name: /Review/ })).toBeNull();
});

it('goes on showing one that stands when asking again fails', async () => {
  const answers: Record<string, unknown> = { '/overrides': [STANDING] };
  const { client } = renderServed(<OverridePanel site={SITE} values={VALUES} />, answers);
  expect(await screen.findByText('Manual: battery held at 0 W')).toBeInTheDocument();
  answers['/overrides'] = 503;
  await client.refetchQueries();
  expect(await screen.findByRole('alert')).toBeInTheDocument();
  expect(screen.getByText('Manual: battery held at 0 W')).toBeInTheDocument();
});

it('moves nothing without PIN and a second touch', async () => {
  const { calls } = show([]);
  await userEvent.click(await screen.findByRole('button', { name: /Review/ }));
  expect(usePin.getState().pending).not.toBeNull();
  expect(calls.filter((call) => call.startsWith('POST'))).toEqual([]);
  usePin.setState({ token: 'abc', until_ms: Date.now() + 60_000, pending: null });
  await userEvent.click(screen.getByRole('button', { name: /Review/ }));
  expect(calls.filter((call) => call.startsWith('POST'))).toEqual([]);
  await userEvent.click(await screen.findByText('Hold the battery'));
  expect(calls).toContain('POST /overrides');
});
