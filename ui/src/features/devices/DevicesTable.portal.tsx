import { ScrollArea, Table, Text, TextInput } from '@mantine/core';
import {
  createColumnHelper,
  flexRender,
  getCoreRowModel,
  getFilteredRowModel,
  getSortedRowModel,
  useReactTable,
  type SortingState,
} from '@tanstack/react-table';
import { useMemo, useState } from 'react';

import type { Site, Values } from '@/shared/api/model';
import { formatChannel } from '@/shared/format/channel';
import { useT, type Translate } from '@/shared/i18n/useT';
import { Age } from '@/shared/parts/Age';
import { Amount } from '@/shared/parts/Amount';
import { SortableHead } from '@/shared/parts/SortableHead.portal';
import { useNow } from '@/shared/time/useNow';

import './devices.css';
import { deviceRows, QUALITY_ORDER, type DeviceRow } from './rows';

const column = createColumnHelper<DeviceRow>();

function columns(t: Translate, locale: string) {
  const words = { yes: t('word.yes'), no: t('word.no') };
  return [
    column.accessor('componentName', { header: t('devices.device') }),
    column.accessor('point', {
      header: t('devices.channel'),
      cell: ({ getValue }) => <code>{getValue()}</code>,
    }),
    column.accessor((row) => row.current?.value ?? null, {
      id: 'value',
      header: t('devices.value'),
      cell: ({ row }) => (
        <Amount
          quantity={formatChannel(row.original.channel, row.original.current, locale, words)}
        />
      ),
    }),
    column.accessor((row) => QUALITY_ORDER.indexOf(row.quality), {
      id: 'quality',
      header: t('devices.quality'),
      cell: ({ row }) => (
        <span className="quality" data-quality={row.original.quality}>
          {t(`quality.${row.original.quality}`)}
        </span>
      ),
    }),
    column.accessor((row) => row.current?.time ?? '', {
      id: 'age',
      header: t('devices.age'),
      cell: ({ row }) => <RowAge row={row.original} />,
    }),
  ];
}

function RowAge({ row }: { row: DeviceRow }) {
  return <Age time={row.current?.time ?? null} now_ms={useNow(1000)} />;
}

/** Every channel with its value, quality and age; searchable, sortable. */
export function DevicesTable({ site, values }: { site: Site; values: Values }) {
  const { t, locale } = useT();
  const [sorting, setSorting] = useState<SortingState>([]);
  const [filter, setFilter] = useState('');
  const table = useReactTable({
    data: useMemo(() => deviceRows(site, values), [site, values]),
    columns: useMemo(() => columns(t, locale), [t, locale]),
    state: { sorting, globalFilter: filter },
    onSortingChange: setSorting,
    getRowId: (row) => row.channel.address,
    globalFilterFn: (row, _, text: string) =>
      `${row.original.componentName} ${row.original.channel.address}`
        .toLowerCase()
        .includes(text.toLowerCase()),
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
    getFilteredRowModel: getFilteredRowModel(),
  });
  const rows = table.getRowModel().rows;
  return (
    <>
      <TextInput
        size="xs"
        mb={8}
        aria-label={t('devices.search')}
        placeholder={t('devices.search')}
        value={filter}
        onChange={(event) => setFilter(event.currentTarget.value)}
      />
      <ScrollArea h={420} type="auto">
        <Table stickyHeader verticalSpacing={4} fz="sm" className="devices">
          <SortableHead table={table} />
          <Table.Tbody>
            {rows.map((row) => (
              <Table.Tr key={row.id} data-quality={row.original.quality}>
                {row.getVisibleCells().map((cell) => (
                  <Table.Td key={cell.id}>
                    {flexRender(cell.column.columnDef.cell, cell.getContext())}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        {rows.length === 0 && <Text c="dimmed">{t('devices.noMatch')}</Text>}
      </ScrollArea>
    </>
  );
}
