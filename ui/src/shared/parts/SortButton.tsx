export const ARIA_SORT = { asc: 'ascending', desc: 'descending', none: 'none' } as const;
const ARROW = { asc: ' ↑', desc: ' ↓', none: '' } as const;

interface Props {
  sorted: 'asc' | 'desc' | false;
  onSort: ((event: unknown) => void) | undefined;
  children: React.ReactNode;
}

/** The head of a column that sorts its table. */
export function SortButton({ sorted, onSort, children }: Props) {
  return (
    <button type="button" className="sort" onClick={onSort}>
      {children}
      {ARROW[sorted || 'none']}
    </button>
  );
}
