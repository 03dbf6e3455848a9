import { useState } from 'react';

import { Alarms } from '@/features/alarms/Alarms.hmi';
import { Devices } from '@/features/devices/Devices.hmi';
import { Trends } from '@/features/history/Trends.hmi';
import { PinPad } from '@/features/pin/PinPad.hmi';
import type { Latest, Site } from '@/shared/api/model';
import { useT } from '@/shared/i18n/useT';
import { usePin } from '@/shared/pin/store';
import { aged } from '@/shared/site/aged';
import { useTheme } from '@/shared/theme/useTheme';

import { Bar } from './Bar';
import { Nav } from './Nav';
import { Home } from './pages/Home';
import { System } from './pages/System';
import type { PageId } from './pages/routes';
import { useLiveEdge } from './useLiveEdge';

export function App() {
  const live = useLiveEdge();
  const theme = useTheme();
  const [page, setPage] = useState<PageId>('home');
  const padOpen = usePin((pin) => pin.pending !== null);
  const site = live.site.data;
  return (
    <div className="hmi">
      <Bar live={live} zone={site?.time_zone} onAlarms={() => setPage('alarms')} />
      <main className="content">
        {site === undefined || live.latest.data === undefined ? (
          <Waiting failed={live.site.failureCount > 1 || live.latest.isError} />
        ) : (
          <Page page={page} site={site} latest={live.latest.data} live={live} theme={theme} />
        )}
      </main>
      <Nav page={page} onPage={setPage} />
      {padOpen && <PinPad />}
    </div>
  );
}

interface PageProps {
  page: PageId;
  site: Site;
  latest: Latest;
  live: ReturnType<typeof useLiveEdge>;
  theme: string;
}

function Page({ page, site, latest, live, theme }: PageProps) {
  switch (page) {
    case 'home':
      return <Home site={site} latest={latest} live={live} />;
    case 'trends':
      return <Trends site={site} theme={theme} />;
    case 'alarms':
      return <Alarms zone={site.time_zone} />;
    case 'devices':
      return (
        <Devices site={site} values={live.state === 'live' ? latest.values : aged(latest.values)} />
      );
    case 'system':
      return <System site={site} values={latest.values} />;
  }
}

function Waiting({ failed }: { failed: boolean }) {
  const { t } = useT();
  return (
    <div className="page waiting" aria-busy="true">
      {failed && <p className="note">{t('hmi.noControl')}</p>}
      <div className="skeleton" style={{ height: 330 }} />
      <div className="skeleton" style={{ height: 48 }} />
    </div>
  );
}
