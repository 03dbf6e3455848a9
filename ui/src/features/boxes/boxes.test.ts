import { describe, expect, it } from 'vitest';

import type { Box, Claim } from '@/shared/api/model';

import { boxRows, isCurrent, matches, shortPrint, waitingCount } from './boxes';
import { aBox, aClaim } from './testing';

const rowsOf = (boxes: Partial<Box>[], claims: Partial<Claim>[]) =>
  boxRows(boxes.map(aBox), claims.map(aClaim));

describe('boxRows', () => {
  it('tells active, revoked and replaced boxes apart', () => {
    const rows = rowsOf(
      [
        { id: 'a' },
        { id: 'b', revoked_at: '2026-11-20T10:00:00Z' },
        { id: 'c', revoked_at: '2026-11-20T10:00:00Z', replaced_by: 'a' },
      ],
      [],
    );
    expect(rows.map(({ state }) => state)).toEqual(['active', 'revoked', 'replaced']);
    expect(rows[2]?.replacedBy).toBe('Harbour, box 1');
    expect(rows.map(isCurrent)).toEqual([true, false, false]);
  });
  it('shows a claim until a box came of it', () => {
    const rows = rowsOf([], [{ state: 'open' }, { state: 'presented' }, { state: 'approved' }]);
    expect(rows.map(({ state }) => state)).toEqual(['open', 'presented']);
    expect(waitingCount(rows)).toBe(1);
  });
  it('keeps what is over out of what is in use', () => {
    const rows = rowsOf([], [{ state: 'refused' }, { state: 'expired' }]);
    expect(rows.some(isCurrent)).toBe(false);
  });
});

describe('matches', () => {
  it('finds by name, site and fingerprint', () => {
    const [row] = rowsOf([{}], []);
    if (row === undefined) throw new Error('no row');
    expect(matches(row, 'Malmö harbour', 'MALMÖ')).toBe(true);
    expect(matches(row, 'x', '5qz1')).toBe(true);
    expect(matches(row, 'x', 'nothing like it')).toBe(false);
    expect(shortPrint(row.fingerprint ?? '')).toBe('5QZ1-0B9G …');
  });
});
