import { keepPreviousData, useQuery } from '@tanstack/react-query';

import { get } from '@/shared/api/client';
import type { Action, LimitEvent } from '@/shared/api/model';

const LOOK_MS = 3000;

export function useActions(limit: number) {
  return useQuery({
    queryKey: ['actions', limit],
    queryFn: ({ signal }) => get<Action[]>('/actions', { limit }, signal),
    refetchInterval: LOOK_MS,
    placeholderData: keepPreviousData,
  });
}

export function useLimits(limit: number) {
  return useQuery({
    queryKey: ['limits', limit],
    queryFn: ({ signal }) => get<LimitEvent[]>('/limits', { limit }, signal),
    refetchInterval: LOOK_MS,
  });
}
