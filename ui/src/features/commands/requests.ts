import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { get, getFile, getPage, post } from '@/shared/api/client';
import type {
  Batch,
  BatchRequest,
  ChannelFacts,
  Command,
  CommandRequest,
} from '@/shared/api/model';

import { anyOpen, STATES_OF, type Filter } from './states';

const SOON_MS = 2000;
const SOMETIME_MS = 10_000;

const path = (site_id: string | null) =>
  site_id === null ? '/commands' : `/sites/${encodeURIComponent(site_id)}/commands`;

/** Of one site, or of all; looked at often while one of them is under way. */
export function useCommands(site_id: string | null, filter: Filter, limit = 50) {
  return useInfiniteQuery({
    queryKey: ['commands', site_id, filter, limit],
    queryFn: ({ pageParam, signal }) =>
      getPage<Command>(
        path(site_id),
        { state: STATES_OF[filter], limit, after: pageParam ?? undefined },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.after,
    refetchInterval: ({ state }) =>
      anyOpen(state.data?.pages.flatMap(({ items }) => items) ?? []) ? SOON_MS : SOMETIME_MS,
  });
}

export function useBatch(id: string | null) {
  return useQuery({
    queryKey: ['commands', 'batch', id],
    queryFn: ({ signal }) =>
      get<Batch>(`/command-batches/${encodeURIComponent(id ?? '')}`, {}, signal),
    enabled: id !== null,
    refetchInterval: ({ state }) =>
      anyOpen(state.data?.results.flatMap(({ command }) => command ?? []) ?? []) ? SOON_MS : false,
  });
}

/** What can be set at a site. */
export function useSettable(site_id: string | null) {
  return useQuery({
    queryKey: ['settable', site_id],
    queryFn: async ({ signal }) => {
      const sites = `/sites/${encodeURIComponent(site_id ?? '')}`;
      const channels = await get<ChannelFacts[]>(`${sites}/channels`, {}, signal);
      return channels.filter(({ access, announced }) => announced && access !== 'read');
    },
    enabled: site_id !== null,
    staleTime: 60_000,
  });
}

interface Sending<T> {
  request: T;
  /** The same for every try of one intention: it is sent once however often it is tried. */
  once: string;
}

export function useSend() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ site_id, request, once }: Sending<CommandRequest> & { site_id: string }) =>
      post<Command>(path(site_id), request, once),
    onSettled: () => client.invalidateQueries({ queryKey: ['commands'] }),
  });
}

export function useSendBatch() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ request, once }: Sending<BatchRequest>) =>
      post<Batch>('/command-batches', request, once),
    onSettled: () => client.invalidateQueries({ queryKey: ['commands'] }),
  });
}

export function useResult() {
  return useMutation({
    mutationFn: (id: string) => getFile(`/commands/${encodeURIComponent(id)}/result`),
  });
}
