import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { usePin } from '@/shared/pin/store';
import { usePreferences } from '@/shared/preferences/store';

import { PinPad } from './PinPad.hmi';

function answerWith(status: number, body: unknown, headers: Record<string, string> = {}) {
  const fetch = vi.fn(() =>
    Promise.resolve(new Response(JSON.stringify(body), { status, headers })),
  );
  vi.stubGlobal('fetch', fetch);
  return fetch;
}

async function enter(pin: string) {
  render(
    <QueryClientProvider client={new QueryClient()}>
      <PinPad />
    </QueryClientProvider>,
  );
  const press = (name: string) =>
    userEvent.click(screen.getByRole('button', { name, hidden: true }));
  for (const digit of pin) await press(digit);
  await press('Enter');
}

describe('PinPad', () => {
  beforeEach(() => {
    usePreferences.setState({ language: 'en' });
    HTMLDialogElement.prototype.showModal = vi.fn();
    HTMLDialogElement.prototype.close = vi.fn();
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    usePin.setState({ token: null, until_ms: 0, pending: null });
  });

  it('does what was wanted once the PIN was right', async () => {
    const action = vi.fn();
    usePin.getState().require(action);
    expect(action).not.toHaveBeenCalled();
    answerWith(200, {
      access_token: 'abc',
      token_type: 'bearer',
      expires_in: 900,
      role: 'operator',
    });
    await enter('4711');
    await waitFor(() => expect(action).toHaveBeenCalledOnce());
    expect(usePin.getState().token).toBe('abc');
  });
  it('says that the PIN was wrong, and for how long it is locked', async () => {
    usePin.getState().require(vi.fn());
    answerWith(429, { title: 'Too many attempts', detail: '' }, { 'Retry-After': '42' });
    await enter('1');
    expect(await screen.findByText(/Try again in 42/)).toBeInTheDocument();
    expect(usePin.getState().token).toBeNull();
  });
  it('asks again when the time is up', () => {
    usePin.setState({ token: 'abc', until_ms: Date.now() - 1 });
    const action = vi.fn();
    usePin.getState().require(action);
    expect(action).not.toHaveBeenCalled();
    expect(usePin.getState().pending).toBe(action);
  });
});
