import { MantineProvider } from '@mantine/core';
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

function Pages() {
  // Nothing but the own account is open to somebody who must enrol a second factor.
  if (useMe().data?.must_enrol === true)
    return (
      <Router hook={useHashLocation}>
        <Shell>
          <AccountPage />
        </Shell>
      </Router>
    );
  return (
    <Router hook={useHashLocation}>
      <Switch>
        <Route path="/">
          <Shell>
            <SitesPage />
          </Shell>
        </Route>
        <Route path="/alarms">
          <Shell>
            <AlarmsPage />
          </Shell>
        </Route>
        <Route path="/account">
          <Shell>
            <AccountPage />
          </Shell>
        </Route>
        <Route path="/devices">
          <Shell>
            <DevicesPage />
          </Shell>
        </Route>
        <Route path="/commands">
          <Shell>
            <CommandsPage site_id={null} />
          </Shell>
        </Route>
        <Route path="/sites/:id/commands">
          {({ id }) => (
            <Shell>
              <CommandsPage key={id} site_id={decodeURIComponent(id)} />
            </Shell>
          )}
        </Route>
        <Route path="/sites/:id">
          {({ id }) => (
            <Shell>
              <SitePage key={id} id={decodeURIComponent(id)} />
            </Shell>
          )}
        </Route>
        <Route>
          <Shell>
            <NotFoundPage />
          </Shell>
        </Route>
      </Switch>
    </Router>
  );
}
