import { powerText } from '@/shared/format/quantity';
import { formatAge, formatDayTime } from '@/shared/format/time';
import { useT, type Translate } from '@/shared/i18n/useT';
import { wordOf } from '@/shared/i18n/words';
import { Known } from '@/shared/parts/Known';

import { episodes, secondsBetween, stands, type Episode } from './episodes';

import './records.css';
import { useLimits } from './requests';

const EVENTS = 200;

/** Limits from outside: when each came, whether it was obeyed, when it ended, and that the record is whole. */
export function LimitList({ zone }: { zone: string }) {
  const { t } = useT();
  return (
    <Known asked={useLimits(EVENTS)} failed={t('limits.failed')} height={240}>
      {(limits) => <Episodes found={episodes(limits)} zone={zone} />}
    </Known>
  );
}

function Episodes({ found, zone }: { found: Episode[]; zone: string }) {
  const { t } = useT();
  if (found.length === 0) return <p className="note">{t('limits.empty')}</p>;
  return (
    <>
      <ul className="records">
        {found.map((episode) => (
          <EpisodeRow
            key={episode.number}
            episode={episode}
            standing={stands(episode, found)}
            zone={zone}
          />
        ))}
      </ul>
      <p className="dim">{t('limits.signed')}</p>
    </>
  );
}

interface RowProps {
  episode: Episode;
  standing: boolean;
  zone: string;
}

function EpisodeRow({ episode, standing, zone }: RowProps) {
  const { t, locale } = useT();
  const { received, released } = episode;
  const first = received ?? released ?? episode.obeyed ?? episode.notObeyed;
  return (
    <li data-refused={!episode.intact || episode.notObeyed !== null}>
      <span className="record-head">
        <strong>
          {wordOf('limits.code', episode.code.split(':')[0] ?? '', t)}
          {received?.limit_w != null && ` · ${powerText(received.limit_w, locale)}`}
        </strong>
        <time className="number dim">
          {first === null ? '–' : formatDayTime(Date.parse(first.time), locale, zone)}
        </time>
      </span>
      <span className="record-text">{obedience(episode, t, locale)}</span>
      <span className="dim">
        {standing && t('limits.stands')}
        {released !== null &&
          t('limits.released', {
            time: formatDayTime(Date.parse(released.time), locale, zone),
            duration: age(secondsBetween(received, released), locale),
          })}
        {!episode.intact && <strong className="record-broken"> {t('limits.broken')}</strong>}
      </span>
    </li>
  );
}

function obedience(episode: Episode, t: Translate, locale: string): string {
  const { received, obeyed, notObeyed } = episode;
  if (obeyed !== null) {
    const power = powerText(obeyed.power_w, locale);
    const after_s = secondsBetween(received, obeyed);
    return after_s === null
      ? t('limits.obeyedNow', { power })
      : t('limits.obeyed', { power, after: age(after_s, locale) });
  }
  return notObeyed === null
    ? ''
    : t('limits.notObeyed', { power: powerText(notObeyed.power_w, locale) });
}

const age = (seconds: number | null, locale: string): string =>
  seconds === null ? '–' : formatAge(seconds, locale);
