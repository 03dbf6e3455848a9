import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Claim } from '@/shared/api/model';
import { usePreferences } from '@/shared/preferences/store';

import { ClaimProgress } from './ClaimProgress.portal';
import { aClaim, PRINT } from './testing';

function show(claim: Partial<Claim>, scanned: string | null = null) {
  const fetched = vi.fn().mockResolvedValue(new Response(JSON.stringify(aClaim(claim))));
  vi.stubGlobal('fetch', fetched);
  render(
    <QueryClientProvider client={new QueryClient()}>
      <MantineProvider>
        <ClaimProgress claim={aClaim(claim)} scanned={scanned} onClose={vi.fn()} />
      </MantineProvider>
    </QueryClientProvider>,
  );
  return fetched;
}

const letIn = () => screen.getByRole('button', { name: 'Let it in' });

describe('ClaimProgress', () => {
  beforeEach(() => usePreferences.setState({ language: 'en' }));
  afterEach(() => vi.unstubAllGlobals());

  it('lets nobody in before the fingerprints were compared', async () => {
    const fetched = show({});
    expect(screen.getByTestId('fingerprint')).toHaveTextContent(PRINT);
    expect(letIn()).toBeDisabled();
    await userEvent.click(screen.getByRole('checkbox'));
    await userEvent.click(letIn());
    const [path, init] = fetched.mock.calls[0] as [string, RequestInit];
    expect(path).toBe('/api/v1/device-claims/c-1/approve');
    expect(init.body).toBe(JSON.stringify({ fingerprint: PRINT }));
  });

  it('compares by itself with a scanned code', () => {
    show({}, PRINT.toLowerCase());
    expect(screen.queryByRole('checkbox')).toBeNull();
    expect(letIn()).toBeEnabled();
  });

  it('offers to refuse a box that is not the scanned one, and nothing else', async () => {
    const fetched = show({}, 'AAAA-BBBB-CCCC-DDDD');
    expect(screen.getByRole('alert')).toHaveTextContent(/another one/);
    expect(letIn()).toBeDisabled();
    await userEvent.click(screen.getByRole('button', { name: /refuse/ }));
    expect((fetched.mock.calls[0] as [string])[0]).toMatch(/\/refuse$/);
  });

  it.each([
    ['open', /comes by itself/],
    ['approved', /is let in/],
    ['refused', /was refused/],
    ['expired', /This code is over/],
  ] as const)('says what %s means', (state, text) => {
    show({ state });
    expect(screen.getByText(text)).toBeInTheDocument();
    expect(screen.queryByRole('button', { name: 'Let it in' })).toBeNull();
  });
});
