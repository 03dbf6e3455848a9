import { useEffect, useState } from 'react';

import { serverNow } from './serverClock';

/** The server's time, renewed each `interval_ms`; for ages and clocks. */
export function useNow(interval_ms = 1000): number {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), interval_ms);
    return () => clearInterval(timer);
  }, [interval_ms]);
  return now;
}
