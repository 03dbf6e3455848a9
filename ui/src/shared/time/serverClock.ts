/** Age of a value needs the server's clock: a viewer whose clock is minutes off must not see live data as stale. */
const TOLERANCE_MS = 2000; // The Date header carries whole seconds.

let offset_ms = 0;

export function observeServerDate(header: string | null, received_ms: number): void {
  const server_ms = header === null ? Number.NaN : Date.parse(header);
  if (!Number.isFinite(server_ms)) return;
  const difference_ms = server_ms + 500 - received_ms;
  offset_ms = Math.abs(difference_ms) > TOLERANCE_MS ? difference_ms : 0;
}

/** Now by the server's clock, in milliseconds since the epoch. */
export function serverNow(): number {
  return Date.now() + offset_ms;
}
