import type { Values } from '@/shared/api/model';

/** The same values when nothing new comes any more: what was good is so no longer. */
export function aged(values: Values): Values {
  return Object.fromEntries(
    Object.entries(values).map(([address, value]) => [
      address,
      value.quality === 'good' ? { ...value, quality: 'stale' as const } : value,
    ]),
  );
}
