import { MantineProvider } from '@mantine/core';
import { screen, waitFor } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { usePreferences } from '@/shared/preferences/store';
import { renderServed } from '@/shared/testing/served';

import { SITE } from '../../../mock/plant';

import { TodayCards } from './TodayCards.portal';

const PATH = `/sites/${SITE.id}/summary`;
const SUMMARY = {
  import_wh: 412_000,
  export_wh: 0,
  pv_wh: 0,
  load_wh: 412_000,
  charge_wh: 0,
  discharge_wh: 0,
  self_sufficiency_pct: 47,
  peak_import_w: 58_000,
  peak_import_at: null,
};

function show(answers: Record<string, unknown>) {
  return renderServed(
    <MantineProvider>
      <TodayCards site={SITE} />
    </MantineProvider>,
    answers,
  );
}

beforeEach(() => usePreferences.setState({ language: 'en' }));
afterEach(() => vi.unstubAllGlobals());

it('says what failed and can be asked again', async () => {
  show({ [PATH]: 503 });
  expect(await screen.findByText('The figures of the day could not be loaded')).toBeInTheDocument();
  expect(screen.getByRole('button', { name: 'Try again' })).toBeInTheDocument();
});

it('keeps the figures when asking again fails', async () => {
  const answers: Record<string, unknown> = { [PATH]: SUMMARY };
  const { client } = show(answers);
  await waitFor(() => expect(screen.getAllByText('412').length).toBeGreaterThan(0));
  answers[PATH] = 503;
  await client.refetchQueries();
  expect(await screen.findByText('The figures of the day could not be loaded')).toBeInTheDocument();
  expect(screen.getAllByText('412').length).toBeGreaterThan(0);
});
