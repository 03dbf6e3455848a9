import type { LimitEvent } from '@/shared/api/model';

/** One limit from its coming to its end, put together from the events of the record. */
export interface Episode {
  /** Of the line that began it. */
  number: number;
  code: string;
  /** Null when the record begins after it came. */
  received: LimitEvent | null;
  obeyed: LimitEvent | null;
  notObeyed: LimitEvent | null;
  released: LimitEvent | null;
  /** Every signature of it fits. */
  intact: boolean;
}

/** `events` newest first, as the API gives them; episodes newest first. */
export function episodes(events: readonly LimitEvent[]): Episode[] {
  const found: Episode[] = [];
  const open = new Map<string, Episode>();
  for (const event of events.toReversed()) {
    let episode = open.get(event.code);
    if (episode === undefined || event.what === 'received') {
      episode = begun(event);
      open.set(event.code, episode);
      found.push(episode);
    }
    note(episode, event);
    if (event.what === 'released') open.delete(event.code);
  }
  return found.reverse();
}

function begun({ number, code }: LimitEvent): Episode {
  return {
    number,
    code,
    received: null,
    obeyed: null,
    notObeyed: null,
    released: null,
    intact: true,
  };
}

function note(episode: Episode, event: LimitEvent): void {
  episode.intact &&= event.intact;
  if (event.what === 'not_obeyed') episode.notObeyed = event;
  else episode[event.what] = event;
}

/** Seconds between two events; null while one is not known. */
export function secondsBetween(from: LimitEvent | null, to: LimitEvent | null): number | null {
  if (from === null || to === null) return null;
  return Math.max(0, (Date.parse(to.time) - Date.parse(from.time)) / 1000);
}

/** A limit that replaces another one of its kind ends that one without a word. */
export const stands = (episode: Episode, all: readonly Episode[]): boolean =>
  episode.released === null && all.find(({ code }) => code === episode.code) === episode;
