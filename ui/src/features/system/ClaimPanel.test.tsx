import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { usePin } from '@/shared/pin/store';

import { ClaimPanel } from './ClaimPanel.hmi';

const IDENTITY = {
  public_key: 'k'.repeat(40),
  fingerprint: 'AAAA-BBBB-CCCC-DDDD',
  signing_key: '0'.repeat(64),
  admitted: false,
  waits_for: 'enter the claim code',
};

describe('ClaimPanel', () => {
  beforeEach(() => {
    usePin.setState({ token: 'abc', until_ms: Date.now() + 60_000, pending: null });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    usePin.setState({ token: null, until_ms: 0, pending: null });
  });

  it('shows the code only when it is asked for, with its image', async () => {
    const body = { code: 'CODE-CODE', fingerprint: IDENTITY.fingerprint, qr_svg: '<svg></svg>' };
    vi.stubGlobal('fetch', vi.fn().mockResolvedValue(new Response(JSON.stringify(body))));
    render(<ClaimPanel identity={IDENTITY} />);
    expect(screen.getByText(IDENTITY.fingerprint)).toBeInTheDocument();
    expect(screen.queryByText('CODE-CODE')).toBeNull();
    await userEvent.click(screen.getByRole('button'));
    expect(await screen.findByText('CODE-CODE')).toBeInTheDocument();
    expect(screen.getByRole('img')).toBeInTheDocument();
  });

  it('asks for the PIN first', async () => {
    usePin.setState({ token: null, until_ms: 0, pending: null });
    const fetched = vi.fn();
    vi.stubGlobal('fetch', fetched);
    render(<ClaimPanel identity={IDENTITY} />);
    await userEvent.click(screen.getByRole('button'));
    expect(usePin.getState().pending).not.toBeNull();
    expect(fetched).not.toHaveBeenCalled();
  });

  it('has no code to show once the cloud takes the box', () => {
    render(<ClaimPanel identity={{ ...IDENTITY, admitted: true, waits_for: '' }} />);
    expect(screen.queryByRole('button')).toBeNull();
    expect(screen.queryByRole('status')).toBeNull();
  });
});
