import { Alert, Button, Card, Skeleton } from '@mantine/core';
import type { ReactNode } from 'react';

import type { EnergySummary, Site } from '@/shared/api/model';
import { formatPercent, formatSize, type Quantity } from '@/shared/format/quantity';
import { formatClock } from '@/shared/format/time';
import { useT } from '@/shared/i18n/useT';
import { Amount } from '@/shared/parts/Amount';
import { ErrorText } from '@/shared/parts/ErrorText';
import { peakThreshold } from '@/shared/site/topology';

import { useToday } from './requests';

/** What the day brought so far: energy by direction, self-sufficiency, and the peak against its limit. */
export function TodayCards({ site }: { site: Site }) {
  const { t } = useT();
  const today = useToday(site.id, site.time_zone);
  if (today.isPending) {
    return (
      <>
        <Skeleton height={168} radius="md" />
        <Skeleton height={132} radius="md" />
      </>
    );
  }
  return (
    <>
      {today.isError && (
        <Alert color="red" title={t('today.failed')}>
          <ErrorText error={today.error} />
          <Button mt={8} display="block" size="compact-sm" onClick={() => void today.refetch()}>
            {t('action.retry')}
          </Button>
        </Alert>
      )}
      {today.data !== undefined && (
        <>
          <Energy summary={today.data} />
          <Peak summary={today.data} site={site} />
        </>
      )}
    </>
  );
}

function Energy({ summary }: { summary: EnergySummary }) {
  const { t, locale } = useT();
  const energy = (value: number | null) => formatSize(value, 'Wh', locale);
  return (
    <Card>
      <h2 className="card-title">{t('today.title')}</h2>
      <div className="figures">
        <Figure label={t('today.import')} quantity={energy(summary.import_wh)} />
        <Figure label={t('today.export')} quantity={energy(summary.export_wh)} />
        <Figure label={t('today.pv')} quantity={energy(summary.pv_wh)} />
        <Figure label={t('today.load')} quantity={energy(summary.load_wh)} />
        <Figure label={t('today.charge')} quantity={energy(summary.charge_wh)} />
        <Figure label={t('today.discharge')} quantity={energy(summary.discharge_wh)} />
      </div>
      <p className="card-foot">
        {t('today.selfSufficiency')}{' '}
        <strong>
          <Amount quantity={formatPercent(summary.self_sufficiency_pct, locale)} />
        </strong>
      </p>
    </Card>
  );
}

function Peak({ summary, site }: { summary: EnergySummary; site: Site }) {
  const { t, locale } = useT();
  const threshold_w = peakThreshold(site);
  const peak_w = summary.peak_import_w;
  const share = peak_w === null || threshold_w === null ? null : (peak_w / threshold_w) * 100;
  const at = summary.peak_import_at;
  return (
    <Card>
      <h2 className="card-title">{t('peak.title')}</h2>
      <p className="card-figure">
        <Amount quantity={formatSize(peak_w, 'W', locale)} />
        {at !== null && peak_w !== null && (
          <span className="dim small">{formatClock(Date.parse(at), locale, site.time_zone)}</span>
        )}
      </p>
      {share !== null && threshold_w !== null && (
        <>
          <div className="bar" data-over={share > 100} aria-hidden="true">
            <span style={{ width: `${Math.min(100, Math.max(0, share))}%` }} />
          </div>
          <p className="card-foot">
            {t('peak.share', {
              share: `${Math.round(share)} %`,
              limit: quantityText(formatSize(threshold_w, 'W', locale)),
            })}
          </p>
        </>
      )}
    </Card>
  );
}

const quantityText = ({ text, unit }: Quantity): string => `${text}\u00a0${unit}`;

function Figure({ label, quantity }: { label: ReactNode; quantity: Quantity }) {
  return (
    <div className="figure">
      <div className="dim small">{label}</div>
      <div className="figure-value">
        <Amount quantity={quantity} />
      </div>
    </div>
  );
}
