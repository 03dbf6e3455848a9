import type { Box, Claim } from '@/shared/api/model';

export const PRINT = '5QZ1-0B9G-XK2W-7JTM';

/** For tests: a box that is let in. */
export const aBox = (changes: Partial<Box> = {}): Box => ({
  id: 'b-1',
  name: 'Harbour, box 1',
  type: 'edge',
  vendor: '',
  model: '',
  serial_number: '',
  protocol: 'simems',
  software: '0.1.0',
  firmware_version: '',
  config_version: 1,
  public_key: 'k'.repeat(40),
  fingerprint: PRINT,
  site_id: 'malmo-1',
  created_at: '2026-11-01T10:00:00Z',
  last_seen_at: '2026-11-26T06:00:00Z',
  last_frame_at: '2026-11-26T06:00:00Z',
  acked_sequence: 677,
  revoked_at: null,
  replaced_by: null,
  health: 'ok',
  ...changes,
});

/** For tests: a code that was entered and the box that came with it. */
export const aClaim = (changes: Partial<Claim> = {}): Claim => ({
  id: 'c-1',
  name: 'Harbour, box 2',
  site_id: 'malmo-1',
  replaces: null,
  state: 'presented',
  fingerprint: PRINT,
  software: '0.1.0',
  vendor: '',
  model: '',
  serial_number: '',
  presented_at: '2026-11-26T06:00:00Z',
  device_id: null,
  created_by: 'ada@example.com',
  created_at: '2026-11-26T05:59:00Z',
  expires_at: '2026-12-26T05:59:00Z',
  decided_by: null,
  decided_at: null,
  reason: '',
  ...changes,
});
