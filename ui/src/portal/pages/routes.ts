import type { Key } from '@/shared/i18n/en';

interface PortalRoute {
  /** Null: shown without an address of its own. */
  path: string | null;
  /** In the navigation beside every page. */
  nav?: { text: Key; permission?: string; current: (location: string) => boolean };
}

const exactly = (path: string) => (location: string) => location === path;

/** Every screen of the portal; `screens.ts` declares what each is. */
export const PORTAL_ROUTES = {
  signIn: { path: null },
  sites: {
    path: '/',
    nav: {
      text: 'nav.sites',
      current: (location) => location === '/' || location.startsWith('/sites'),
    },
  },
  alarms: { path: '/alarms', nav: { text: 'nav.alarms', current: exactly('/alarms') } },
  devices: {
    path: '/devices',
    nav: { text: 'nav.boxes', permission: 'devices:read', current: exactly('/devices') },
  },
  commands: {
    path: '/commands',
    nav: { text: 'nav.commands', permission: 'commands:read', current: exactly('/commands') },
  },
  account: { path: '/account' },
  siteCommands: { path: '/sites/:id/commands' },
  site: { path: '/sites/:id' },
  notFound: { path: null },
} as const satisfies Record<string, PortalRoute>;

export type PortalScreen = keyof typeof PORTAL_ROUTES;

export const portalRoutes = (): [PortalScreen, PortalRoute][] =>
  Object.entries(PORTAL_ROUTES) as [PortalScreen, PortalRoute][];
