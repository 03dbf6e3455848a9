import { formatDayTime } from '@/shared/format/time';
import { useT } from '@/shared/i18n/useT';
import { differsFromViewer } from '@/shared/time/range';

/** A time by the site's clock; the zone is named when it is not the viewer's. */
export function Moment({ time, zone }: { time: string | null; zone: string | undefined }) {
  const { locale } = useT();
  if (time === null) return <span>–</span>;
  const time_ms = Date.parse(time);
  const foreign = zone !== undefined && differsFromViewer(zone, time_ms);
  return (
    <span className="number" title={time}>
      {formatDayTime(time_ms, locale, zone)}
      {foreign && <span className="command-reason">{zone}</span>}
    </span>
  );
}
