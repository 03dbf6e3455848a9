import { useT } from '@/shared/i18n/useT';

import type { Band } from './series';

const COLOURS: Record<Band['id'], string> = {
  import: 'var(--grid)',
  pv: 'var(--pv)',
  discharge: 'var(--battery)',
  load: 'var(--load)',
  charge: 'var(--battery)',
  ev: 'var(--ev)',
  export: 'var(--grid)',
};

/** Which colour is what, sources first; sinks are marked as drawn below zero. */
export function Legend({ bands }: { bands: readonly Band[] }) {
  const { t } = useT();
  return (
    <ul className="legend">
      {bands.map((band) => (
        <li key={band.id} data-side={band.side}>
          <span className="legend-mark" style={{ background: COLOURS[band.id] }} />
          {t(`band.${band.id}`)}
        </li>
      ))}
      <li>
        <span className="legend-line" />
        {t('band.net')}
      </li>
    </ul>
  );
}
