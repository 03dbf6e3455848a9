import type { Command } from '@/shared/api/model';

export type State = Command['state'];
export type Filter = 'all' | 'open' | 'done' | 'failed';

export const FILTERS: readonly Filter[] = ['all', 'open', 'done', 'failed'];

/** States that each filter asks the API for; all of them: none named. */
export const STATES_OF: Record<Filter, readonly State[]> = {
  all: [],
  open: ['queued', 'sent', 'accepted'],
  done: ['done'],
  failed: ['rejected', 'expired'],
};

export const isOpen = (state: State): boolean => STATES_OF.open.includes(state);

/** Whether something on the list may still change. */
export const anyOpen = (commands: readonly Command[]): boolean =>
  commands.some(({ state }) => isOpen(state));
