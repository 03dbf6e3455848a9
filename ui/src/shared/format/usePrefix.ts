import { useState } from 'react';

import { nextPrefix, type Prefix } from './quantity';

/** The W/kW/MW step of one tile, with hysteresis against its own last step. */
export function usePrefix(value: number | null): Prefix {
  const [shown, setShown] = useState<Prefix | undefined>(undefined);
  if (value === null || !Number.isFinite(value)) return shown ?? 0;
  const next = nextPrefix(value, shown);
  if (next !== shown) setShown(next);
  return next;
}
