/** Time until the battery is empty or full at its power now. */
export interface Remaining {
  to: 'empty' | 'full';
  seconds: number;
}

export interface BatteryNow {
  power_w: number | null;
  soc_pct: number | null;
  capacity_wh: number | null;
  minimum_pct: number;
  maximum_pct: number;
}

const IDLE_BELOW_W = 100;
/** Longer than this says nothing useful. */
const LONGEST_S = 48 * 3600;

/** Energy left between the guards divided by power; null when idle, unknown or far away. */
export function remaining(battery: BatteryNow): Remaining | null {
  const { power_w, soc_pct, capacity_wh, minimum_pct, maximum_pct } = battery;
  if (power_w === null || soc_pct === null || capacity_wh === null) return null;
  if (Math.abs(power_w) < IDLE_BELOW_W) return null;
  const span_pct = power_w > 0 ? soc_pct - minimum_pct : maximum_pct - soc_pct;
  const seconds = ((Math.max(0, span_pct) / 100) * capacity_wh * 3600) / Math.abs(power_w);
  return seconds > LONGEST_S ? null : { to: power_w > 0 ? 'empty' : 'full', seconds };
}
