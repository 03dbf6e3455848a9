import { MantineProvider } from '@mantine/core';
import type { ReactNode } from 'react';
import { Route, Router, Switch } from 'wouter';
import { useHashLocation } from 'wouter/use-hash-location';

import { SignIn } from '@/features/session/SignIn.portal';
import { useMe } from '@/features/session/requests';
import { useSession } from '@/features/session/store';
import { useTheme } from '@/shared/theme/useTheme';

import { Shell } from './Shell';
import { LanguageAndTheme } from './Tools';
import { AccountPage } from './pages/AccountPage';
import { AlarmsPage } from './pages/AlarmsPage';
import { CommandsPage } from './pages/CommandsPage';
import { DevicesPage } from './pages/DevicesPage';
import { NotFoundPage } from './pages/NotFoundPage';
import { SitePage } from './pages/SitePage';
import { SitesPage } from './pages/SitesPage';
import { portalRoutes, type PortalScreen } from './pages/routes';
import { theme, variables } from './theme';

export function App() {
  const scheme = useTheme();
  const token = useSession((state) => state.token);
  return (
    <MantineProvider theme={theme} forceColorScheme={scheme} cssVariablesResolver={variables}>
      {token === null ? <SignIn tools={<LanguageAndTheme />} /> : <Pages />}
    </MantineProvider>
  );
}

/** What each address shows. Sign-in stands before them, the last is for every other address. */
const PAGES: Record<Exclude<PortalScreen, 'signIn'>, (id: string) => ReactNode> = {
  sites: () => <SitesPage />,
  alarms: () => <AlarmsPage />,
  devices: () => <DevicesPage />,
  commands: () => <CommandsPage site_id={null} />,
  account: () => <AccountPage />,
  siteCommands: (id) => <CommandsPage key={id} site_id={id} />,
  site: (id) => <SitePage key={id} id={id} />,
  notFound: () => <NotFoundPage />,
};

function Pages() {
  // Nothing but the own account is open to somebody who must enrol a second factor.
  if (useMe().data?.must_enrol === true)
    return (
      <Router hook={useHashLocation}>
        <Shell>{PAGES.account('')}</Shell>
      </Router>
    );
  return (
    <Router hook={useHashLocation}>
      <Switch>
        {portalRoutes().map(
          ([screen, { path }]) =>
            screen !== 'signIn' &&
            path !== null && (
              <Route key={screen} path={path}>
                {({ id = '' }: { id?: string }) => (
                  <Shell>{PAGES[screen](decodeURIComponent(id))}</Shell>
                )}
              </Route>
            ),
        )}
        <Route>
          <Shell>{PAGES.notFound('')}</Shell>
        </Route>
      </Switch>
    </Router>
  );
}
