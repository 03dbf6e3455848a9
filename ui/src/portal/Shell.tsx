import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';

import { useMay } from '@/features/session/requests';
import { useT } from '@/shared/i18n/useT';

import { portalRoutes } from './pages/routes';

/** Navigation beside every page. */
export function Shell({ children }: { children: ReactNode }) {
  const { t } = useT();
  const [location] = useLocation();
  const may = useMay();
  return (
    <div className="shell">
      <a className="skip" href="#main" onClick={skip}>
        {t('tools.skip')}
      </a>
      <nav className="nav" aria-label={t('nav.label')}>
        <div className="logo">
          <img src="./icon.svg" alt="" width={28} height={28} /> Sim EMS
        </div>
        {portalRoutes().map(
          ([screen, { path, nav }]) =>
            nav !== undefined &&
            path !== null &&
            (nav.permission === undefined || may(nav.permission)) && (
              <Link
                key={screen}
                href={path}
                className="nav-link"
                aria-current={nav.current(location) ? 'page' : undefined}
              >
                {t(nav.text)}
              </Link>
            ),
        )}
      </nav>
      <main id="main" tabIndex={-1} className="main">
        {children}
      </main>
    </div>
  );
}

/** Hash routing owns the address: move the focus instead of following the link. */
function skip(event: { preventDefault: () => void }): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}
