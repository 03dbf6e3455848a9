import { useState } from 'react';

import type { Site, Values } from '@/shared/api/model';
import { formatChannel } from '@/shared/format/channel';
import { useT } from '@/shared/i18n/useT';
import { Age } from '@/shared/parts/Age';
import { Amount } from '@/shared/parts/Amount';
import { useNow } from '@/shared/time/useNow';

import './devices.css';
import { deviceRows, worstQuality } from './rows';

/** One device at a time, every channel of it. */
export function Devices({ site, values }: { site: Site; values: Values }) {
  const { t, locale } = useT();
  const now_ms = useNow(1000);
  const all = deviceRows(site, values);
  const owners = [...new Map(all.map((row) => [row.component, row.componentName]))];
  const [chosen, setChosen] = useState<string | null>(null);
  const shown = chosen ?? owners[0]?.[0];
  const words = { yes: t('word.yes'), no: t('word.no') };
  return (
    <div className="page">
      <div className="device-tabs" role="group" aria-label={t('nav.devices')}>
        {owners.map(([id, name]) => (
          <button
            key={id}
            type="button"
            className="chip"
            aria-pressed={id === shown}
            onClick={() => setChosen(id)}
          >
            {name}
            <Mark site={site} component={id} values={values} />
          </button>
        ))}
      </div>
      <ul className="device-list">
        {all
          .filter((row) => row.component === shown)
          .map((row) => (
            <li key={row.channel.address} data-quality={row.quality}>
              <code>{row.point}</code>
              <Amount quantity={formatChannel(row.channel, row.current, locale, words)} />
              <span className="quality" data-quality={row.quality}>
                {t(`quality.${row.quality}`)}
              </span>
              <span className="age">
                <Age time={row.current?.time ?? null} now_ms={now_ms} />
              </span>
            </li>
          ))}
      </ul>
    </div>
  );
}

function Mark({ site, component, values }: { site: Site; component: string; values: Values }) {
  const { t } = useT();
  const channels = site.components.find(({ id }) => id === component)?.channels;
  if (channels === undefined) return null;
  const quality = worstQuality(channels, values);
  return quality === 'good' ? null : <span className="chip-mark">{t(`quality.${quality}`)}</span>;
}
