import type { SiteOverview } from '@/shared/api/model';

export type Health = 'offline' | 'fault' | 'alarm' | 'well';

/** Worst first: a site that does not report can have any fault. */
export const HEALTH_ORDER: readonly Health[] = ['offline', 'fault', 'alarm', 'well'];

export function healthOf(site: SiteOverview): Health {
  if (!site.online) return 'offline';
  if (site.state?.toUpperCase() === 'FAULT') return 'fault';
  return site.active_alarms > 0 ? 'alarm' : 'well';
}
