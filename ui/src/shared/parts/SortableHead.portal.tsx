import { Table } from '@mantine/core';
import { flexRender, type Table as Rows } from '@tanstack/react-table';

import { ARIA_SORT, SortButton } from './SortButton';

interface Props<T> {
  table: Rows<T>;
  /** Ids of the columns whose figures stand at the right. */
  numeric?: ReadonlySet<string>;
  /** One more column, without a name, for what can be done with a row. */
  actions?: boolean;
}

/** The head of a table: every column sorts it. */
export function SortableHead<T>({ table, numeric, actions = false }: Props<T>) {
  return (
    <Table.Thead>
      {table.getHeaderGroups().map((group) => (
        <Table.Tr key={group.id}>
          {group.headers.map(({ id, column, getContext }) => (
            <Table.Th
              key={id}
              aria-sort={ARIA_SORT[column.getIsSorted() || 'none']}
              ta={numeric?.has(column.id) === true ? 'right' : 'left'}
            >
              <SortButton sorted={column.getIsSorted()} onSort={column.getToggleSortingHandler()}>
                {flexRender(column.columnDef.header, getContext())}
              </SortButton>
            </Table.Th>
          ))}
          {actions && <Table.Td aria-hidden="true" />}
        </Table.Tr>
      ))}
    </Table.Thead>
  );
}
