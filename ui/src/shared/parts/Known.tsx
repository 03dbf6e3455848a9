import type { ReactNode } from 'react';

import { ErrorText } from './ErrorText';

interface Asked<T> {
  data: T | undefined;
  isError: boolean;
  error: unknown;
}

interface Props<T> {
  asked: Asked<T>;
  /** What could not be read. */
  failed: string;
  /** Of the grey shape while it loads. */
  height: number;
  children: (known: T) => ReactNode;
}

/** What was asked for: grey while it loads, told when it failed; what was known before stays. */
export function Known<T>({ asked, failed, height, children }: Props<T>) {
  return (
    <>
      {asked.isError && (
        <p className="note" role="alert">
          {failed} <ErrorText error={asked.error} />
        </p>
      )}
      {asked.data !== undefined
        ? children(asked.data)
        : !asked.isError && <div className="skeleton" aria-busy="true" style={{ height }} />}
    </>
  );
}
