import { ActionIcon, Alert, Button, Group, SegmentedControl, Skeleton, Text } from '@mantine/core';
import { lazy, Suspense, useCallback, useMemo, useRef, useState } from 'react';

import type { Site } from '@/shared/api/model';
import { formatDay, formatMonth } from '@/shared/format/time';
import { useT } from '@/shared/i18n/useT';
import { ErrorText } from '@/shared/parts/ErrorText';
import { downloadText, downloadUrl } from '@/shared/parts/download';
import { differsFromViewer, rangeAt, shift, type Range, type Span } from '@/shared/time/range';
import { serverNow } from '@/shared/time/serverClock';

import { Legend } from './Legend';
import { historyCsv } from './csv';

import './history.css';
import { chartChannels } from './plan';
import { hasData, powerSeries } from './series';
import { useHistory } from './useHistory';

const HistoryCharts = lazy(() => import('./HistoryCharts.portal'));

interface Props {
  site: Site;
  base: string;
  theme: string;
}

export function HistoryPanel({ site, base, theme }: Props) {
  const { t } = useT();
  const zone = site.time_zone;
  const [range, setRange] = useState<Range>(() => rangeAt('day', serverNow(), zone));
  const { topology, channels } = useMemo(() => chartChannels(site), [site]);
  const history = useHistory({ base, channels, range });
  const series = useMemo(
    () => (history.data === undefined ? null : powerSeries(history.data, topology)),
    [history.data, topology],
  );
  const chart = useRef<{ png: () => string | null } | null>(null);
  const onPng = useCallback((handle: { png: () => string | null }) => {
    chart.current = handle;
  }, []);
  const file = `${site.id}-${new Date(range.from).toISOString().slice(0, 10)}-${range.span}`;
  const png = () => {
    const url = chart.current?.png();
    if (url != null) downloadUrl(`${file}.png`, url);
  };
  const csv = () => {
    if (history.data === undefined) return;
    downloadText(`${file}.csv`, 'text/csv', historyCsv(history.data, channels, zone));
  };
  return (
    <div>
      <Group justify="space-between" mb={8}>
        <RangeControl range={range} zone={zone} onChange={setRange} />
        <Group gap={8}>
          <Button size="compact-sm" variant="default" onClick={csv} disabled={series === null}>
            CSV
          </Button>
          <Button size="compact-sm" variant="default" onClick={png} disabled={series === null}>
            PNG
          </Button>
        </Group>
      </Group>
      {history.isError && series === null && (
        <Alert color="red" title={t('history.failed')}>
          <ErrorText error={history.error} />
          <Button mt={8} display="block" size="compact-sm" onClick={() => void history.refetch()}>
            {t('action.retry')}
          </Button>
        </Alert>
      )}
      {history.isPending && <Skeleton height={430} />}
      {series !== null && !hasData(series) && <Empty />}
      {series !== null && hasData(series) && history.data !== undefined && (
        <div className="charts" data-old={history.isPlaceholderData}>
          <Suspense fallback={<Skeleton height={430} />}>
            <HistoryCharts {...{ site, history: history.data, series, range, theme, onPng }} />
          </Suspense>
          <Legend bands={series.bands} />
        </div>
      )}
    </div>
  );
}

function Empty() {
  const { t } = useT();
  return (
    <div className="chart-empty">
      <Text fw={500}>{t('history.empty')}</Text>
      <Text size="sm" c="dimmed">
        {t('history.emptyHint')}
      </Text>
    </div>
  );
}

interface RangeProps {
  range: Range;
  zone: string;
  onChange: (range: Range) => void;
}

function RangeControl({ range, zone, onChange }: RangeProps) {
  const { t, locale } = useT();
  const spans: Span[] = ['day', 'week', 'month'];
  const label =
    range.span === 'month'
      ? formatMonth(range.from, locale, zone)
      : range.span === 'day'
        ? formatDay(range.from, locale, zone)
        : `${formatDay(range.from, locale, zone)} – ${formatDay(range.to - 1, locale, zone)}`;
  const now = serverNow();
  const atNow = now < range.to;
  return (
    <Group gap={12}>
      <SegmentedControl
        size="xs"
        aria-label={t('history.span')}
        value={range.span}
        onChange={(span) => onChange(rangeAt(span as Span, atNow ? now : range.from, zone))}
        data={spans.map((span) => ({ value: span, label: t(`span.${span}`) }))}
      />
      <Group gap={4}>
        <ActionIcon
          variant="default"
          aria-label={t('history.earlier')}
          onClick={() => onChange(shift(range, -1, zone))}
        >
          ‹
        </ActionIcon>
        <Text size="sm" miw={120} ta="center" data-testid="range-label">
          {label}
        </Text>
        <ActionIcon
          variant="default"
          aria-label={t('history.later')}
          disabled={atNow}
          onClick={() => onChange(shift(range, 1, zone))}
        >
          ›
        </ActionIcon>
      </Group>
      {differsFromViewer(zone, range.from) && (
        <Text size="xs" c="dimmed">
          {t('history.zone', { zone })}
        </Text>
      )}
    </Group>
  );
}
