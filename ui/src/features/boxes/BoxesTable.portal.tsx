import { Group, SegmentedControl, Table, Text, TextInput } from '@mantine/core';
import {
  createColumnHelper,
  flexRender,
  getCoreRowModel,
  getSortedRowModel,
  useReactTable,
  type SortingState,
} from '@tanstack/react-table';
import { useMemo, useState, type ReactNode } from 'react';

import { useT, type Translate } from '@/shared/i18n/useT';
import { Age } from '@/shared/parts/Age';
import { SortableHead } from '@/shared/parts/SortableHead.portal';
import { useNow } from '@/shared/time/useNow';

import './boxes.css';
import { isCurrent, matches, shortPrint, STATE_ORDER, type BoxRow } from './boxes';

const column = createColumnHelper<BoxRow>();

type SiteName = (site_id: string) => string;

function columns(t: Translate, siteName: SiteName) {
  return [
    column.accessor((row) => STATE_ORDER.indexOf(row.state), {
      id: 'state',
      header: t('boxes.state'),
      cell: ({ row }) => <State row={row.original} t={t} />,
    }),
    column.accessor('name', {
      header: t('boxes.name'),
      cell: ({ getValue }) => <span className="box-name">{getValue()}</span>,
    }),
    column.accessor((row) => (row.site_id === null ? '' : siteName(row.site_id)), {
      id: 'site',
      header: t('boxes.site'),
      cell: ({ row, getValue }) => <Site row={row.original} name={getValue()} t={t} />,
    }),
    column.accessor((row) => row.seen_at ?? '', {
      id: 'seen',
      header: t('boxes.seen'),
      cell: ({ row }) => <Since time={row.original.seen_at} />,
    }),
    column.accessor((row) => row.data_at ?? '', {
      id: 'data',
      header: t('boxes.data'),
      cell: ({ row }) => <Since time={row.original.data_at} />,
    }),
    column.accessor('software', {
      header: t('boxes.software'),
      cell: ({ getValue }) => getValue() || '–',
    }),
    column.accessor((row) => row.fingerprint ?? '', {
      id: 'fingerprint',
      header: t('boxes.fingerprint'),
      cell: ({ getValue }) => (
        <code title={getValue()}>{getValue() === '' ? '–' : shortPrint(getValue())}</code>
      ),
    }),
  ];
}

interface Props {
  rows: BoxRow[];
  siteName: SiteName;
  /** What one may do with a row; nothing when one may only look. */
  actions?: (row: BoxRow) => ReactNode;
}

/** Boxes and codes that wait for one; what wants a person stands first. */
export function BoxesTable({ rows, siteName, actions }: Props) {
  const { t } = useT();
  const [filter, setFilter] = useState({ text: '', all: false });
  const [sorting, setSorting] = useState<SortingState>([{ id: 'state', desc: false }]);
  const shown = useMemo(
    () =>
      rows.filter(
        (row) =>
          (filter.all || isCurrent(row)) &&
          matches(row, row.site_id === null ? '' : siteName(row.site_id), filter.text),
      ),
    [rows, filter, siteName],
  );
  const table = useReactTable({
    data: shown,
    columns: useMemo(() => columns(t, siteName), [t, siteName]),
    state: { sorting },
    onSortingChange: setSorting,
    getRowId: (row) => row.id,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
  });
  return (
    <>
      <Group gap={12} mb={8}>
        <TextInput
          size="sm"
          className="table-search"
          aria-label={t('boxes.search')}
          placeholder={t('boxes.search')}
          value={filter.text}
          onChange={(event) => setFilter({ ...filter, text: event.currentTarget.value })}
        />
        <SegmentedControl
          size="xs"
          aria-label={t('boxes.filter')}
          value={filter.all ? 'all' : 'current'}
          onChange={(value) => setFilter({ ...filter, all: value === 'all' })}
          data={[
            { value: 'current', label: t('boxes.current') },
            { value: 'all', label: t('boxes.all') },
          ]}
        />
      </Group>
      <Table.ScrollContainer minWidth={900}>
        <Table verticalSpacing="sm" highlightOnHover>
          <SortableHead table={table} actions={actions !== undefined} />
          <Table.Tbody>
            {table.getRowModel().rows.map((row) => (
              <Table.Tr key={row.id} data-state={row.original.state}>
                {row.getVisibleCells().map((cell) => (
                  <Table.Td key={cell.id}>
                    {flexRender(cell.column.columnDef.cell, cell.getContext())}
                  </Table.Td>
                ))}
                {actions !== undefined && <Table.Td ta="right">{actions(row.original)}</Table.Td>}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {shown.length === 0 && <Text c="dimmed">{t('boxes.noMatch')}</Text>}
    </>
  );
}

function State({ row, t }: { row: BoxRow; t: Translate }) {
  const health = row.state === 'active' ? row.box?.health : undefined;
  return (
    <span className="box-state" data-state={row.state} data-health={health}>
      <span className="box-mark" aria-hidden="true" />
      <span>
        {t(`boxes.state.${row.state}`)}
        {health !== undefined && <span className="dim"> · {t(`boxes.health.${health}`)}</span>}
        {row.replacedBy !== null && (
          <span className="dim"> {t('boxes.replacedBy', { name: row.replacedBy })}</span>
        )}
      </span>
    </span>
  );
}

function Site({ row, name, t }: { row: BoxRow; name: string; t: Translate }) {
  if (row.site_id === null) return <span className="dim">{t('boxes.siteOpen')}</span>;
  return (
    <a className="cell-link" href={`#/sites/${encodeURIComponent(row.site_id)}`}>
      {name}
    </a>
  );
}

function Since({ time }: { time: string | null }) {
  return <Age time={time} now_ms={useNow(1000)} />;
}
