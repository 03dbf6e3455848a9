import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';

import { useMay } from '@/features/session/requests';
import { useT } from '@/shared/i18n/useT';

/** Navigation beside every page. */
export function Shell({ children }: { children: ReactNode }) {
  const { t } = useT();
  const [location] = useLocation();
  const may = useMay();
  const entry = (href: string, text: string, current: boolean) => (
    <Link href={href} className="nav-link" aria-current={current ? 'page' : undefined}>
      {text}
    </Link>
  );
  return (
    <div className="shell">
      <a className="skip" href="#main" onClick={skip}>
        {t('tools.skip')}
      </a>
      <nav className="nav" aria-label={t('nav.label')}>
        <div className="logo">
          <img src="./icon.svg" alt="" width={28} height={28} /> Sim EMS
        </div>
        {entry('/', t('nav.sites'), location === '/' || location.startsWith('/sites'))}
        {entry('/alarms', t('nav.alarms'), location === '/alarms')}
        {may('devices:read') && entry('/devices', t('nav.boxes'), location === '/devices')}
        {may('commands:read') && entry('/commands', t('nav.commands'), location === '/commands')}
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
