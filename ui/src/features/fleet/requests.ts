import { useQuery } from '@tanstack/react-query';

import { get } from '@/shared/api/client';
import type { SiteOverview } from '@/shared/api/model';

export function useSites() {
  return useQuery({
    queryKey: ['sites'],
    queryFn: ({ signal }) => get<SiteOverview[]>('/sites', {}, signal),
    refetchInterval: 5000,
  });
}
