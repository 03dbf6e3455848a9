import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { get, post } from '@/shared/api/client';
import type { Alarm, Fault } from '@/shared/api/model';

/** Alarms that stand, and those of the last days. `path`: `/sites/{id}/alarms` or `/alarms`. */
export function useAlarms(path: string, active?: boolean) {
  return useQuery({
    queryKey: ['alarms', path, active ?? 'all'],
    queryFn: ({ signal }) => get<Alarm[]>(path, { active }, signal),
    refetchInterval: 5000,
  });
}

/** Faults that stand; each is an alarm as well. */
export function useFaults() {
  return useQuery({
    queryKey: ['faults'],
    queryFn: ({ signal }) => get<Fault[]>('/faults', {}, signal),
    refetchInterval: 2000,
  });
}

export function useClearFault() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (fault: Fault) => post<unknown>(`/faults/${encodeURIComponent(fault.id)}/clear`),
    onSettled: async () => {
      await client.invalidateQueries({ queryKey: ['faults'] });
      await client.invalidateQueries({ queryKey: ['alarms'] });
    },
  });
}

export function useAcknowledge() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (alarm: Alarm) =>
      post<unknown>(`/alarms/${encodeURIComponent(alarm.id)}/acknowledge`),
    onSettled: () => client.invalidateQueries({ queryKey: ['alarms'] }),
  });
}
