import { decimalsFor, formatFixed } from '@/shared/format/number';
import { UNKNOWN, type Quantity } from '@/shared/format/quantity';
import { useT } from '@/shared/i18n/useT';
import { Amount } from '@/shared/parts/Amount';

import './cycle.css';
import { cycleAttention, type CycleFigures } from './statistics';

function micros(value: number | null, locale: string): Quantity {
  if (value === null) return { text: UNKNOWN, unit: 'µs' };
  if (value < 1000) return { text: formatFixed(value, 0, locale), unit: 'µs' };
  return { text: formatFixed(value / 1000, decimalsFor(value / 1000), locale), unit: 'ms' };
}

const count = (value: number | null, locale: string): Quantity => ({
  text: value === null ? UNKNOWN : formatFixed(value, 0, locale),
  unit: '',
});

/** Is the control loop on time? */
export function CycleList({ figures }: { figures: CycleFigures }) {
  const { t, locale } = useT();
  const rows: [string, Quantity][] = [
    [t('cycle.latenessP50'), micros(figures.lateness_us_p50, locale)],
    [t('cycle.latenessP99'), micros(figures.lateness_us_p99, locale)],
    [t('cycle.latenessMax'), micros(figures.lateness_us_max, locale)],
    [t('cycle.workP99'), micros(figures.work_us_p99, locale)],
    [t('cycle.overruns'), count(figures.overruns, locale)],
    [t('cycle.skipped'), count(figures.skipped, locale)],
    [t('cycle.count'), count(figures.cycles, locale)],
  ];
  return (
    <>
      <p className="cycle-verdict">
        {figures.cycles === null
          ? t('cycle.unknown')
          : t(cycleAttention(figures) ? 'cycle.attention' : 'cycle.onTime')}
      </p>
      <dl className="cycle">
        {rows.map(([label, quantity]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              <Amount quantity={quantity} />
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}
