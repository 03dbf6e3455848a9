import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import type { Alarm, Fault } from '@/shared/api/model';
import { usePreferences } from '@/shared/preferences/store';

import { AlarmRow } from './AlarmRow.hmi';

const words = { text: 'Emergency stop', cause: 'c', effect: 'e', remedy: 'r' };
const alarm: Alarm = {
  ...words,
  id: '1',
  code: 'emergency_stop',
  severity: 'alarm',
  component: 'site',
  raised_at: '2026-11-22T10:00:00Z',
  cleared_at: null,
  acknowledged_at: null,
  acknowledged_by: null,
};
const fault: Fault = {
  ...words,
  id: 'emergency_stop:site',
  code: 'emergency_stop',
  component: 'site',
  severity: 'alarm',
  direction: 'both',
  reaction: 'stop',
  latched: true,
  clearable: true,
  raised_at: alarm.raised_at,
  translations: { sv: { ...words, text: 'Nödstopp' } },
};

function show(shown: Fault | undefined) {
  const onClear = vi.fn();
  render(
    <AlarmRow alarm={alarm} fault={shown} zone="UTC" onAcknowledge={vi.fn()} onClear={onClear} />,
  );
  return onClear;
}

describe('AlarmRow', () => {
  beforeEach(() => usePreferences.setState({ language: 'en' }));
  it('lets a fault be cleared whose cause is gone', async () => {
    const onClear = show(fault);
    await userEvent.click(screen.getByRole('button', { name: 'Clear fault' }));
    expect(onClear).toHaveBeenCalledWith(fault);
  });
  it('says why one cannot be cleared yet', async () => {
    const onClear = show({ ...fault, clearable: false });
    await userEvent.click(screen.getByRole('button', { name: 'Clear fault' }));
    expect(onClear).not.toHaveBeenCalled();
    expect(screen.getByText(/until its cause is seen to be gone/)).toBeInTheDocument();
  });
  it('offers no clear for what clears by itself, nor for a plain alarm', () => {
    show({ ...fault, latched: false });
    expect(screen.queryByRole('button', { name: 'Clear fault' })).toBeNull();
  });
  it('speaks Swedish', () => {
    usePreferences.setState({ language: 'sv' });
    show(fault);
    expect(screen.getByText('Nödstopp')).toBeInTheDocument();
    expect(screen.getByRole('button', { name: 'Ta bort fel' })).toBeInTheDocument();
  });
});
