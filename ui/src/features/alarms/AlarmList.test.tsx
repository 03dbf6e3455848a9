import { MantineProvider } from '@mantine/core';
import { screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import type { Alarm } from '@/shared/api/model';
import { usePreferences } from '@/shared/preferences/store';
import { renderServed } from '@/shared/testing/served';

import { AlarmList } from './AlarmList.portal';

const alarm = (id: string): Alarm => ({
  id,
  code: 'communication_lost',
  severity: 'alarm',
  component: 'ess0',
  text: `Alarm ${id}`,
  cause: '',
  effect: '',
  remedy: '',
  raised_at: '2026-11-22T10:00:00Z',
  cleared_at: null,
  acknowledged_at: null,
  acknowledged_by: null,
});

function show(answers: Record<string, unknown>, { may = true, limit = 50 } = {}) {
  return renderServed(
    <MantineProvider>
      <AlarmList path="/alarms" limit={limit} mayAcknowledge={may} />
    </MantineProvider>,
    answers,
  );
}

beforeEach(() => usePreferences.setState({ language: 'en' }));
afterEach(() => vi.unstubAllGlobals());

it('keeps the alarms that were known when asking again fails, and offers to try again', async () => {
  const answers: Record<string, unknown> = { '/alarms': [alarm('1')] };
  const { client } = show(answers);
  expect(await screen.findByText('Alarm 1')).toBeInTheDocument();
  answers['/alarms'] = 503;
  await client.refetchQueries();
  expect(await screen.findByText(/the disk is full/)).toBeInTheDocument();
  expect(screen.getByText('Alarm 1')).toBeInTheDocument();
  expect(screen.getByRole('button', { name: 'Try again' })).toBeInTheDocument();
});

it('offers to acknowledge only to who may', async () => {
  show({ '/alarms': [alarm('1')] }, { may: false });
  expect(await screen.findByText('Alarm 1')).toBeInTheDocument();
  expect(screen.queryByRole('button', { name: 'Acknowledge' })).toBeNull();
});

it('says how many it does not show', async () => {
  show({ '/alarms': ['1', '2', '3'].map(alarm) }, { limit: 2 });
  expect(await screen.findByText('1 more are not shown.')).toBeInTheDocument();
});

it('does not say that there are none when it does not know', async () => {
  show({ '/alarms': 503 });
  expect(await screen.findByText(/the disk is full/)).toBeInTheDocument();
  expect(screen.queryByText(/^No alarms/)).toBeNull();
});
