import { Table, Text } from '@mantine/core';
import {
  createColumnHelper,
  flexRender,
  getCoreRowModel,
  getSortedRowModel,
  useReactTable,
  type SortingState,
} from '@tanstack/react-table';
import { useMemo, useState } from 'react';

import type { SiteOverview } from '@/shared/api/model';
import { formatPercent, formatSize } from '@/shared/format/quantity';
import { useT, type Translate } from '@/shared/i18n/useT';
import { stateText } from '@/shared/i18n/words';
import { Age } from '@/shared/parts/Age';
import { Amount } from '@/shared/parts/Amount';
import { SortableHead } from '@/shared/parts/SortableHead.portal';
import { useNow } from '@/shared/time/useNow';

import { HEALTH_ORDER, healthOf } from './health';

const column = createColumnHelper<SiteOverview>();

function Power({
  value,
  word,
  locale,
}: {
  value: number | null;
  word?: string | undefined;
  locale: string;
}) {
  return (
    <>
      <Amount quantity={formatSize(value, 'W', locale)} />
      {word !== undefined && <div className="dim small">{word}</div>}
    </>
  );
}

function directionWord(
  value: number | null,
  positive: string,
  negative: string,
): string | undefined {
  if (value === null || Math.abs(value) < 50) return undefined;
  return value > 0 ? positive : negative;
}

function columns(t: Translate, locale: string) {
  return [
    column.accessor((site) => HEALTH_ORDER.indexOf(healthOf(site)), {
      id: 'health',
      header: t('sites.health'),
      cell: ({ row }) => <HealthMark site={row.original} t={t} />,
    }),
    column.accessor('name', {
      header: t('sites.name'),
      cell: ({ row }) => <Name site={row.original} />,
    }),
    column.accessor('control_mode', {
      header: t('sites.mode'),
      cell: ({ row }) => stateText(row.original.state, row.original.control_mode, t),
    }),
    column.accessor('grid_power_w', {
      header: t('node.grid'),
      cell: ({ getValue }) => (
        <Power
          value={getValue()}
          locale={locale}
          word={directionWord(getValue(), t('flow.importing'), t('flow.exporting'))}
        />
      ),
    }),
    column.accessor('pv_power_w', {
      header: t('node.pv'),
      cell: ({ getValue }) => <Power value={getValue()} locale={locale} />,
    }),
    column.accessor('ess_power_w', {
      header: t('node.ess'),
      cell: ({ getValue }) => (
        <Power
          value={getValue()}
          locale={locale}
          word={directionWord(getValue(), t('flow.discharging'), t('flow.charging'))}
        />
      ),
    }),
    column.accessor('load_power_w', {
      header: t('node.load'),
      cell: ({ getValue }) => <Power value={getValue()} locale={locale} />,
    }),
    column.accessor('soc_pct', {
      header: t('soc.short'),
      cell: ({ getValue }) => <Soc value={getValue()} locale={locale} />,
    }),
    column.accessor('active_alarms', {
      header: t('nav.alarms'),
      cell: ({ getValue }) =>
        getValue() > 0 ? (
          <span className="badge-alarm">{getValue()}</span>
        ) : (
          <span className="dim">0</span>
        ),
    }),
  ];
}

const NUMERIC = new Set([
  'grid_power_w',
  'pv_power_w',
  'ess_power_w',
  'load_power_w',
  'active_alarms',
]);

/** All sites; the worst first until the viewer sorts otherwise. */
export function SitesTable({ sites }: { sites: SiteOverview[] }) {
  const { t, locale } = useT();
  const [sorting, setSorting] = useState<SortingState>([{ id: 'health', desc: false }]);
  const table = useReactTable({
    data: sites,
    columns: useMemo(() => columns(t, locale), [t, locale]),
    state: { sorting },
    onSortingChange: setSorting,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
  });
  return (
    <Table.ScrollContainer minWidth={900}>
      <Table verticalSpacing="sm" highlightOnHover>
        <SortableHead table={table} numeric={NUMERIC} />
        <Table.Tbody>
          {table.getRowModel().rows.map((row) => (
            <Table.Tr key={row.id} data-old={!row.original.online}>
              {row.getVisibleCells().map((cell) => (
                <Table.Td key={cell.id} ta={NUMERIC.has(cell.column.id) ? 'right' : 'left'}>
                  {flexRender(cell.column.columnDef.cell, cell.getContext())}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Name({ site }: { site: SiteOverview }) {
  return (
    <a className="site-link" href={`#/sites/${encodeURIComponent(site.id)}`}>
      {site.name}
    </a>
  );
}

function HealthMark({ site, t }: { site: SiteOverview; t: Translate }) {
  const now = useNow(5000);
  const health = healthOf(site);
  return (
    <span className="health" data-health={health}>
      <span className="health-mark" aria-hidden="true" />
      <span>
        {t(`health.${health}`)}
        {health === 'offline' && site.last_seen_at !== null && (
          <Text component="span" size="xs" c="dimmed" display="block">
            {t('sites.lastSeen')} <Age time={site.last_seen_at} now_ms={now} />
          </Text>
        )}
      </span>
    </span>
  );
}

function Soc({ value, locale }: { value: number | null; locale: string }) {
  return (
    <span className="soc-cell">
      <span className="soc-bar" aria-hidden="true">
        <span style={{ width: `${value ?? 0}%` }} />
      </span>
      <Amount quantity={formatPercent(value, locale)} />
    </span>
  );
}
