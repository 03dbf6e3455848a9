import { formatAge } from '@/shared/format/time';
import { useT } from '@/shared/i18n/useT';
import { ageSeconds } from '@/shared/live/freshness';

/** Age of a value at `now_ms`; a dash when it was never known. */
export function Age({ time, now_ms }: { time: string | null; now_ms: number }) {
  const { locale } = useT();
  const time_ms = time === null ? Number.NaN : Date.parse(time);
  if (!Number.isFinite(time_ms)) return <span>–</span>;
  return <span className="number">{formatAge(ageSeconds(time_ms, now_ms), locale)}</span>;
}
