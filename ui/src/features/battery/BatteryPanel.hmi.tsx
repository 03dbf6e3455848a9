import type { Site, Values } from '@/shared/api/model';
import { formatPercent } from '@/shared/format/quantity';
import { formatDuration } from '@/shared/format/time';
import { useT } from '@/shared/i18n/useT';
import { Amount } from '@/shared/parts/Amount';
import { readingOf, topologyOf, trusted } from '@/shared/site/topology';

import './battery.css';
import { remaining } from './remaining';

interface Props {
  site: Site;
  values: Values;
  /** Everything shown is old. */
  stale: boolean;
}

/** State of charge as number and bar, and when the battery will be empty or full. */
export function BatteryPanel({ site, values, stale }: Props) {
  const { t, locale } = useT();
  const topology = topologyOf(site);
  const soc = readingOf(values, topology.soc === null ? [] : [topology.soc]);
  if (topology.soc === null) return null;
  const battery = topology.soc.split('/')[0] ?? '';
  const read = (point: string) => values[`${battery}/${point}`]?.value ?? null;
  const left = remaining({
    power_w: readingOf(values, topology.ess).value,
    soc_pct: soc.value,
    capacity_wh: read('capacity_wh'),
    minimum_pct: site.settings[`${battery}/minimum_soc_pct`] ?? 0,
    maximum_pct: site.settings[`${battery}/maximum_soc_pct`] ?? 100,
  });
  return (
    <section className="soc" aria-label={t('soc.long')} data-old={stale || !trusted(soc.quality)}>
      <p className="soc-line">
        <span className="dim">{t('soc.long')}</span>
        <strong className="soc-number">
          <Amount quantity={formatPercent(soc.value, locale)} />
        </strong>
      </p>
      <div className="soc-track" aria-hidden="true">
        <span style={{ width: `${soc.value ?? 0}%` }} />
      </div>
      <p className="soc-left">
        {left === null || stale
          ? '\u00a0'
          : t(`soc.${left.to}In`, { time: formatDuration(left.seconds) })}
      </p>
    </section>
  );
}
