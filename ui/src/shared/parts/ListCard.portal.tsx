import { Alert, Button, Skeleton, Stack } from '@mantine/core';
import type { ReactNode } from 'react';

import { useT } from '@/shared/i18n/useT';
import { ErrorText } from '@/shared/parts/ErrorText';

interface Asked {
  isPending: boolean;
  isError: boolean;
  data: unknown;
  error: unknown;
  refetch: () => Promise<unknown>;
}

interface Props {
  queries: Asked[];
  failed: string;
  /** What is said instead of the list when it has nothing; `false` when it has. */
  empty: ReactNode;
  children: ReactNode;
}

/** A list while it loads, when it failed, when it is empty, and as it is. What was known stays when asking again fails. */
export function ListCard({ queries, failed, empty, children }: Props) {
  const { t } = useT();
  const broken = queries.filter(({ isError }) => isError);
  const known = queries.every(({ data }) => data !== undefined);
  return (
    <>
      {broken.length > 0 && (
        <Alert color="red" title={failed} mb={known ? 12 : 0}>
          <ErrorText error={broken[0]?.error} />
          <Button
            mt={8}
            display="block"
            size="compact-sm"
            onClick={() => broken.forEach(({ refetch }) => void refetch())}
          >
            {t('action.retry')}
          </Button>
        </Alert>
      )}
      {!known && broken.length === 0 && (
        <Stack gap={8} aria-busy="true">
          {[0, 1, 2, 3].map((row) => (
            <Skeleton key={row} height={44} />
          ))}
        </Stack>
      )}
      {known && (empty ? <div className="empty">{empty}</div> : children)}
    </>
  );
}
