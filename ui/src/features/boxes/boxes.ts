import type { Box, Claim } from '@/shared/api/model';

export type BoxState = 'active' | 'revoked' | 'replaced' | Exclude<Claim['state'], 'approved'>;

/** What wants a person first, then what works, then what is over. */
export const STATE_ORDER: readonly BoxState[] = [
  'presented',
  'open',
  'active',
  'expired',
  'refused',
  'replaced',
  'revoked',
];
const CURRENT = new Set<BoxState>(['presented', 'open', 'active']);

/** A box that is or was let in, or a code that was entered for one. */
export interface BoxRow {
  id: string;
  name: string;
  site_id: string | null;
  state: BoxState;
  software: string;
  fingerprint: string | null;
  seen_at: string | null;
  data_at: string | null;
  /** Name of the box that took its place. */
  replacedBy: string | null;
  box: Box | null;
  claim: Claim | null;
}

/** Boxes, and the claims that no box came of yet. */
export function boxRows(boxes: readonly Box[], claims: readonly Claim[]): BoxRow[] {
  const names = new Map(boxes.map((box) => [box.id, box.name]));
  const waiting = claims.filter((claim) => claim.state !== 'approved');
  return [...waiting.map(ofClaim), ...boxes.map((box) => ofBox(box, names))];
}

function ofBox(box: Box, names: ReadonlyMap<string, string>): BoxRow {
  return {
    id: box.id,
    name: box.name,
    site_id: box.site_id,
    state: stateOf(box),
    software: box.software,
    fingerprint: box.fingerprint,
    seen_at: box.last_seen_at,
    data_at: box.last_frame_at,
    replacedBy: box.replaced_by === null ? null : (names.get(box.replaced_by) ?? null),
    box,
    claim: null,
  };
}

function stateOf(box: Box): BoxState {
  if (box.replaced_by !== null) return 'replaced';
  return box.revoked_at === null ? 'active' : 'revoked';
}

function ofClaim(claim: Claim): BoxRow {
  return {
    id: claim.id,
    name: claim.name,
    site_id: claim.site_id,
    state: claim.state === 'approved' ? 'active' : claim.state,
    software: claim.software,
    fingerprint: claim.fingerprint,
    seen_at: claim.presented_at,
    data_at: null,
    replacedBy: null,
    box: null,
    claim,
  };
}

export const isCurrent = (row: BoxRow): boolean => CURRENT.has(row.state);

export const waitingCount = (rows: readonly BoxRow[]): number =>
  rows.filter(({ state }) => state === 'presented').length;

/** The first group of a fingerprint: enough to tell boxes apart in a list, never to approve one. */
export const shortPrint = (fingerprint: string): string => `${fingerprint.slice(0, 9)} …`;

export function matches(row: BoxRow, siteName: string, text: string): boolean {
  const all = `${row.name} ${siteName} ${row.site_id ?? ''} ${row.fingerprint ?? ''} ${row.software}`;
  return all.toLowerCase().includes(text.trim().toLowerCase());
}
