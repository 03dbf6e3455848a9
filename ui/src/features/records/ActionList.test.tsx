import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import type { Action } from '@/shared/api/model';
import { usePreferences } from '@/shared/preferences/store';

import { ActionList } from './ActionList.hmi';

const action = (changes: Partial<Action>): Action => ({
  id: '1',
  time: '2026-11-26T06:00:00Z',
  code: 'override.set',
  component: 'ess0',
  text: 'ess0/active_power_w set to 0 for 60 s',
  actor: 'operator',
  severity: 'info',
  ...changes,
});

function show(answer: Response) {
  vi.stubGlobal('fetch', vi.fn().mockResolvedValue(answer));
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={client}>
      <ActionList zone="Europe/Stockholm" />
    </QueryClientProvider>,
  );
}

beforeEach(() => usePreferences.setState({ language: 'en' }));
afterEach(() => vi.unstubAllGlobals());

it('says what, when by the clock of the site, and who', async () => {
  show(
    Response.json([
      action({}),
      action({ id: '2', code: 'command.rejected', actor: 'ada@example.com', text: 'no such' }),
      action({ id: '3', code: 'something.new', text: 'A word of a later version' }),
    ]),
  );
  expect(await screen.findByText('Override set')).toBeInTheDocument();
  expect(screen.getAllByText(/07:00:00/)).toHaveLength(3);
  const refused = screen.getByText('Command rejected').closest('li');
  expect(refused).toHaveAttribute('data-refused', 'true');
  expect(refused).toHaveTextContent('by ada@example.com');
  expect(screen.getByText('A word of a later version')).toBeInTheDocument();
});

it('says that nothing was done yet', async () => {
  show(Response.json([]));
  expect(await screen.findByText(/Nothing was done here yet/)).toBeInTheDocument();
});

it('says why the list cannot be read', async () => {
  show(Response.json({ title: 'Conflict', detail: 'the disk' }, { status: 409 }));
  expect(await screen.findByRole('alert')).toHaveTextContent(/the disk/);
});
