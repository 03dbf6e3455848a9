import { formatAge } from '@/shared/format/time';
import { useT } from '@/shared/i18n/useT';
import { ageSeconds, type Freshness } from '@/shared/live/freshness';

interface Props {
  state: Freshness;
  time_ms: number | null;
  now_ms: number;
}

/** "● live 0.4 s": how old the newest values are. */
export function LiveMark({ state, time_ms, now_ms }: Props) {
  const { t, locale } = useT();
  return (
    <span className="live" data-state={state} data-testid="live">
      <span className="live-dot" aria-hidden="true" />
      {t(`live.${state}`)}
      {time_ms !== null && (
        <span className="number dim">{formatAge(ageSeconds(time_ms, now_ms), locale)}</span>
      )}
    </span>
  );
}
