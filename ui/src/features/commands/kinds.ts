import type { Order } from '@/shared/api/model';

export type Kind = Order['kind'];

/** In the order in which people need them. */
export const KINDS: readonly Kind[] = [
  'override',
  'clear_fault',
  'mode',
  'diagnostics',
  'restart',
  'schedule',
  'configuration',
  'update',
  'rotate_key',
];

/** About the box itself: these need `devices:write` beside `commands:write`. */
const OF_THE_BOX = new Set<Kind>([
  'configuration',
  'restart',
  'diagnostics',
  'update',
  'rotate_key',
]);

/** A file or a fault code is of one site: it makes no sense for many. */
const OF_ONE_SITE = new Set<Kind>(['schedule', 'configuration']);

/** What is offered: what one may send, and to many only what many can take. */
export function kindsFor(may: (permission: string) => boolean, many: boolean): Kind[] {
  if (!may('commands:write')) return [];
  return KINDS.filter(
    (kind) => (!OF_THE_BOX.has(kind) || may('devices:write')) && !(many && OF_ONE_SITE.has(kind)),
  );
}

export const MODES = [
  'AUTO',
  'PEAK_SHAVING',
  'SELF_CONSUMPTION',
  'SCHEDULE',
  'DROOP',
  'BACKUP',
  'ISLAND',
  'RUN',
  'STANDBY',
  'SHUTDOWN',
] as const;

/** States of a box are done at once and stay; a control mode may end by itself. */
export const STAYING_MODES: readonly string[] = ['RUN', 'STANDBY', 'SHUTDOWN', 'AUTO'];
