import { screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { usePreferences } from '@/shared/preferences/store';
import { renderServed } from '@/shared/testing/served';

import { SITE } from '../../mock/plant';

import { App } from './App';

/** No live stream: it never opens. */
class Silent extends EventTarget {
  close = () => undefined;
  send = () => undefined;
}

beforeEach(() => {
  usePreferences.setState({ language: 'en' });
  vi.stubGlobal('WebSocket', Silent);
});
afterEach(() => vi.unstubAllGlobals());

it('does not count alarms that it does not know', async () => {
  renderServed(<App />, { '/site': SITE, '/latest': 503, '/alarms': 503, '/sync': 503 });
  expect(await screen.findByRole('button', { name: 'Alarms –' })).toBeInTheDocument();
});

it('says that the controller does not answer when only its values are missing', async () => {
  renderServed(<App />, { '/site': SITE, '/latest': 503, '/alarms': [], '/sync': 503 });
  expect(
    await screen.findByText(/The controller does not answer/, {}, { timeout: 10_000 }),
  ).toBeInTheDocument();
}, 15_000);
