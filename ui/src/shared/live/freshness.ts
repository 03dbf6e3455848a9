/** How far what is on the screen can be trusted as "now". */
export type Freshness = 'waiting' | 'live' | 'stale' | 'offline';

export const STALE_AFTER_S = 10;
export const OFFLINE_AFTER_S = 60;

export interface FreshnessInput {
  /** Time of the newest `latest`, ms; null before the first. */
  time_ms: number | null;
  now_ms: number;
  /** False when the server itself says that the site is away. */
  online: boolean;
  /** On the box itself values come each cycle; over the cloud some seconds are ordinary. */
  staleAfter_s?: number;
}

export function ageSeconds(time_ms: number, now_ms: number): number {
  return Math.max(0, (now_ms - time_ms) / 1000);
}

/** A site that the server calls away is offline at once; else the age of the newest values decides. */
export function freshness({
  time_ms,
  now_ms,
  online,
  staleAfter_s = STALE_AFTER_S,
}: FreshnessInput): Freshness {
  if (time_ms === null) return online ? 'waiting' : 'offline';
  const age_s = ageSeconds(time_ms, now_ms);
  if (age_s > OFFLINE_AFTER_S || (!online && age_s > staleAfter_s)) return 'offline';
  return age_s > staleAfter_s ? 'stale' : 'live';
}
