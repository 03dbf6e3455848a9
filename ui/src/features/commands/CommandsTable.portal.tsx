import { Group, SegmentedControl, Table, Text, TextInput, Button } from '@mantine/core';
import {
  createColumnHelper,
  flexRender,
  getCoreRowModel,
  getSortedRowModel,
  useReactTable,
  type Row,
  type SortingState,
} from '@tanstack/react-table';
import { Fragment, useMemo, useState } from 'react';

import type { Command } from '@/shared/api/model';
import { useT, type Translate } from '@/shared/i18n/useT';
import { SortableHead } from '@/shared/parts/SortableHead.portal';

import { CommandDetails } from './CommandDetails.portal';
import { CommandState } from './CommandState.portal';
import { Moment } from './Moment.portal';
import { didSay } from './sentence';
import { FILTERS, type Filter } from './states';

const column = createColumnHelper<Command>();

export interface SiteFacts {
  name: string;
  time_zone: string;
}

type SiteOf = (site_id: string) => SiteFacts | undefined;

interface ListProps {
  commands: Command[];
  siteOf: SiteOf;
  /** Of many sites: the site is a column. */
  many: boolean;
  onBatch: (id: string) => void;
}

function columns(
  t: Translate,
  locale: string,
  { siteOf, many }: Pick<ListProps, 'siteOf' | 'many'>,
) {
  return [
    column.accessor('created_at', {
      header: t('command.when'),
      cell: ({ row }) => (
        <Moment time={row.original.created_at} zone={siteOf(row.original.site_id)?.time_zone} />
      ),
    }),
    ...(many
      ? [
          column.accessor((row) => siteOf(row.site_id)?.name ?? row.site_id, {
            id: 'site',
            header: t('command.site'),
            cell: ({ row, getValue }) => (
              <a className="cell-link" href={`#/sites/${encodeURIComponent(row.original.site_id)}`}>
                {getValue()}
              </a>
            ),
          }),
        ]
      : []),
    column.accessor((row) => didSay(row.kind, row.payload, { t, locale }), {
      id: 'what',
      header: t('command.what'),
      cell: ({ getValue }) => <span className="command-what">{getValue()}</span>,
    }),
    column.accessor('state', {
      header: t('command.state'),
      cell: ({ row }) => <CommandState command={row.original} />,
    }),
    column.accessor('requested_by', { header: t('command.by') }),
  ];
}

/** What was asked and what became of it; the newest first until the viewer sorts otherwise. */
export function CommandsList({ commands, siteOf, many, onBatch }: ListProps) {
  const { t, locale } = useT();
  const [sorting, setSorting] = useState<SortingState>([{ id: 'created_at', desc: true }]);
  const table = useReactTable({
    data: commands,
    columns: useMemo(() => columns(t, locale, { siteOf, many }), [t, locale, siteOf, many]),
    state: { sorting },
    onSortingChange: setSorting,
    getRowId: (row) => row.id,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
  });
  return (
    <Table.ScrollContainer minWidth={many ? 900 : 720}>
      <Table verticalSpacing="sm">
        <SortableHead table={table} actions />
        <Table.Tbody>
          {table.getRowModel().rows.map((row) => (
            <CommandRow
              key={row.id}
              row={row}
              zone={siteOf(row.original.site_id)?.time_zone}
              onBatch={onBatch}
            />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

interface RowProps {
  row: Row<Command>;
  zone: string | undefined;
  onBatch: (id: string) => void;
}

function CommandRow({ row, zone, onBatch }: RowProps) {
  const { t } = useT();
  const [open, setOpen] = useState(false);
  const cells = row.getVisibleCells();
  return (
    <Fragment>
      <Table.Tr>
        {cells.map((cell) => (
          <Table.Td key={cell.id}>
            {flexRender(cell.column.columnDef.cell, cell.getContext())}
          </Table.Td>
        ))}
        <Table.Td ta="right">
          <Button
            variant="subtle"
            size="compact-sm"
            aria-expanded={open}
            onClick={() => setOpen(!open)}
          >
            {t('command.details')}
          </Button>
        </Table.Td>
      </Table.Tr>
      {open && (
        <Table.Tr>
          <Table.Td colSpan={cells.length + 1}>
            <CommandDetails command={row.original} zone={zone} onBatch={onBatch} />
          </Table.Td>
        </Table.Tr>
      )}
    </Fragment>
  );
}

interface ToolsProps {
  filter: Filter;
  onFilter: (filter: Filter) => void;
  text: string;
  onText: (text: string) => void;
}

export function CommandTools({ filter, onFilter, text, onText }: ToolsProps) {
  const { t } = useT();
  return (
    <Group gap={12} mb={8}>
      <TextInput
        size="sm"
        className="table-search"
        aria-label={t('command.search')}
        placeholder={t('command.search')}
        value={text}
        onChange={(event) => onText(event.currentTarget.value)}
      />
      <SegmentedControl
        size="xs"
        aria-label={t('command.filter')}
        value={filter}
        onChange={(value) => onFilter(value as Filter)}
        data={FILTERS.map((name) => ({ value: name, label: t(`command.filter.${name}`) }))}
      />
    </Group>
  );
}

export function NoCommands({ filter }: { filter: Filter }) {
  const { t } = useT();
  if (filter !== 'all') return <Text c="dimmed">{t('command.emptyState')}</Text>;
  return (
    <>
      <Text fw={500}>{t('command.empty')}</Text>
      <Text c="dimmed" size="sm">
        {t('command.emptyHint')}
      </Text>
    </>
  );
}
