import { useState } from 'react';

import type { Override, Site, Values } from '@/shared/api/model';
import { powerText } from '@/shared/format/quantity';
import { formatClock, formatDuration } from '@/shared/format/time';
import { useT } from '@/shared/i18n/useT';
import { ErrorText } from '@/shared/parts/ErrorText';
import { Known } from '@/shared/parts/Known';
import { usePin } from '@/shared/pin/store';
import { serverNow } from '@/shared/time/serverClock';

import { ConfirmOverride } from './ConfirmOverride.hmi';
import {
  batteryOf,
  DURATIONS_S,
  FIRST_DRAFT,
  limit_w,
  setpoint_w,
  stepped,
  type Action,
  type Draft,
} from './draft';

import './override.css';
import { useCancelOverride, useOverrides, useSetOverride } from './requests';

const ACTIONS: readonly Action[] = ['charge', 'hold', 'discharge'];

/** Manual override of the battery: choose, PIN, confirm with a second touch elsewhere. Nothing can be chosen unseen. */
export function OverridePanel({ site, values }: { site: Site; values: Values }) {
  const { t } = useT();
  const battery = batteryOf(site);
  const overrides = useOverrides();
  const target = `${battery ?? ''}/active_power_w`;
  if (battery === null) return <p className="note">{t('override.noBattery')}</p>;
  return (
    <section className="panel override" aria-labelledby="override-title">
      <h2 id="override-title">{t('override.title')}</h2>
      <Known asked={overrides} failed={t('override.failed')} height={280}>
        {(all) => {
          const standing = all.find((item) => item.target === target);
          return standing === undefined ? (
            <Choose site={site} battery={battery} target={target} values={values} />
          ) : (
            <Standing override={standing} zone={site.time_zone} />
          );
        }}
      </Known>
    </section>
  );
}

interface ChooseProps {
  site: Site;
  battery: string;
  target: string;
  values: Values;
}

function Choose({ site, battery, target, values }: ChooseProps) {
  const { t } = useT();
  const [draft, setDraft] = useState<Draft>(FIRST_DRAFT);
  const [confirming, setConfirming] = useState(false);
  const set = useSetOverride();
  const withPin = usePin((pin) => pin.require);
  const send = () => {
    const { duration_s } = draft;
    set.mutate(
      {
        target,
        value: setpoint_w(draft),
        duration_s,
        reason: 'operator panel',
        outlasts_restart: false,
      },
      { onSettled: () => setConfirming(false) },
    );
  };
  return (
    <>
      <div className="chips" role="group" aria-label={t('override.action')}>
        {ACTIONS.map((action) => (
          <button
            key={action}
            type="button"
            className="chip"
            aria-pressed={draft.action === action}
            onClick={() => setDraft({ ...draft, action })}
          >
            {t(`override.${action}`)}
          </button>
        ))}
      </div>
      <Watts draft={draft} most_w={limit_w(draft.action, battery, values)} onChange={setDraft} />
      <div className="chips" role="group" aria-label={t('override.duration')}>
        {DURATIONS_S.map((duration_s) => (
          <button
            key={duration_s}
            type="button"
            className="chip"
            aria-pressed={draft.duration_s === duration_s}
            onClick={() => setDraft({ ...draft, duration_s })}
          >
            {formatDuration(duration_s)}
          </button>
        ))}
      </div>
      {set.isError && (
        <p className="panel-error" role="alert">
          <ErrorText error={set.error} />
        </p>
      )}
      <button
        type="button"
        className="button wide"
        onClick={() => withPin(() => setConfirming(true))}
      >
        {t('override.review')}
      </button>
      <p className="dim">{t('override.guards')}</p>
      {confirming && (
        <ConfirmOverride
          draft={draft}
          zone={site.time_zone}
          busy={set.isPending}
          onConfirm={send}
          onCancel={() => setConfirming(false)}
        />
      )}
    </>
  );
}

interface WattsProps {
  draft: Draft;
  most_w: number | null;
  onChange: (draft: Draft) => void;
}

function Watts({ draft, most_w, onChange }: WattsProps) {
  const { t, locale } = useT();
  const idle = draft.action === 'hold';
  const step = (step_w: number) =>
    onChange({ ...draft, power_w: stepped(draft.power_w, step_w, most_w) });
  return (
    <div className="watts" data-idle={idle}>
      {[-5000, -1000].map((by) => (
        <Step key={by} by={by} disabled={idle} onStep={step} />
      ))}
      <div className="watts-value">
        <strong className="number">{powerText(setpoint_w(draft), locale)}</strong>
        <span className="dim">
          {idle || most_w === null
            ? '\u00a0'
            : t('override.most', { power: powerText(most_w, locale) })}
        </span>
      </div>
      {[1000, 5000].map((by) => (
        <Step key={by} by={by} disabled={idle} onStep={step} />
      ))}
    </div>
  );
}

interface StepProps {
  by: number;
  disabled: boolean;
  onStep: (by: number) => void;
}

function Step({ by, disabled, onStep }: StepProps) {
  const text = `${by < 0 ? '−' : '+'}${Math.abs(by) / 1000} kW`;
  return (
    <button type="button" className="button step" disabled={disabled} onClick={() => onStep(by)}>
      {text}
    </button>
  );
}

function Standing({ override, zone }: { override: Override; zone: string }) {
  const { t, locale } = useT();
  const cancel = useCancelOverride();
  const withPin = usePin((pin) => pin.require);
  const ends_ms = Date.parse(override.expires_at);
  const action = override.value === 0 ? 'hold' : override.value > 0 ? 'discharge' : 'charge';
  return (
    <>
      <p className="override-now">
        {t(`override.now.${action}`, { power: powerText(override.value, locale) })}
      </p>
      <p className="dim">
        {t('override.until', {
          until: formatClock(ends_ms, locale, zone),
          left: formatDuration(Math.max(0, (ends_ms - serverNow()) / 1000)),
          actor: override.actor,
        })}
      </p>
      {cancel.isError && (
        <p className="panel-error" role="alert">
          <ErrorText error={cancel.error} />
        </p>
      )}
      <button
        type="button"
        className="button wide"
        disabled={cancel.isPending}
        onClick={() => withPin(() => cancel.mutate(override.target))}
      >
        {t('override.cancel')}
      </button>
    </>
  );
}
