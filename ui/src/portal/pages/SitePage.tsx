import { Alert, Button, Card, Skeleton } from '@mantine/core';
import { Link } from 'wouter';

import { AlarmList } from '@/features/alarms/AlarmList.portal';
import { isActive } from '@/features/alarms/order';
import { useAlarms } from '@/features/alarms/requests';
import { CommandsPanel } from '@/features/commands/CommandsPanel.portal';
import { CycleList } from '@/features/cycle/CycleList';
import { figuresFromChannels } from '@/features/cycle/statistics';
import { DevicesTable } from '@/features/devices/DevicesTable.portal';
import { componentHealth } from '@/features/devices/rows';
import { FlowDiagram } from '@/features/flow/FlowDiagram';
import { HistoryPanel } from '@/features/history/HistoryPanel.portal';
import { useMay } from '@/features/session/requests';
import { TodayCards } from '@/features/summary/TodayCards.portal';
import { WhyLine } from '@/features/why/WhyLine';
import type { CloudSite, Site, Values } from '@/shared/api/model';
import { formatAge } from '@/shared/format/time';
import { useT } from '@/shared/i18n/useT';
import { stateText } from '@/shared/i18n/words';
import { ageSeconds } from '@/shared/live/freshness';
import { ErrorText } from '@/shared/parts/ErrorText';
import { aged } from '@/shared/site/aged';
import { useTheme } from '@/shared/theme/useTheme';

import { SendButton } from './CommandsPage';
import { LiveMark } from './LiveMark';
import { OfflineBanner } from './OfflineBanner';
import { PageHeader } from './PageHeader';
import { SiteSkeleton } from './SiteSkeleton';
import { useLiveSite } from './useLiveSite';

type Live = ReturnType<typeof useLiveSite>;

export function SitePage({ id }: { id: string }) {
  const { t } = useT();
  const live = useLiveSite(id);
  const { site } = live;
  if (site.data === undefined) {
    return (
      <>
        <PageHeader title={id} />
        {site.isError ? (
          <Alert color="red" title={t('site.failed')}>
            <ErrorText error={site.error} />
            <Button mt={8} display="block" size="compact-sm" onClick={() => void site.refetch()}>
              {t('action.retry')}
            </Button>
          </Alert>
        ) : (
          <SiteSkeleton />
        )}
      </>
    );
  }
  return <LoadedSite site={site.data} live={live} />;
}

function LoadedSite({ site, live }: { site: CloudSite; live: Live }) {
  const theme = useTheme();
  const { base, latest, state, time_ms, now_ms } = live;
  const old = state !== 'live';
  const values = latest.data?.values ?? {};
  return (
    <>
      <SiteHeader site={site} live={live} />
      {(state === 'offline' || live.link === 'waiting') && (
        <OfflineBanner site={site} link={live.link} time_ms={time_ms} now_ms={now_ms} />
      )}
      <Why
        site={site}
        latest={latest}
        age_s={old && time_ms !== null ? ageSeconds(time_ms, now_ms) : null}
      />
      <div className="site-grid">
        <Card className="flow-card">
          {latest.data === undefined || Object.keys(latest.data.values).length === 0 ? (
            <Flowless latest={latest} />
          ) : (
            <FlowDiagram site={site} values={latest.data.values} stale={old} />
          )}
        </Card>
        <div className="side">
          <TodayCards site={site} />
        </div>
        <Card className="wide">
          <HistoryPanel site={site} base={base} theme={theme} />
        </Card>
        <Lower site={site} base={base} values={old ? aged(values) : values} />
      </div>
    </>
  );
}

function SiteHeader({ site, live }: { site: Site; live: Live }) {
  const { t } = useT();
  const alarms = useAlarms(`${live.base}/alarms`);
  const count = alarms.data?.filter(isActive).length;
  const latest = live.latest.data;
  return (
    <PageHeader title={site.name}>
      <LiveMark state={live.state} time_ms={live.time_ms} now_ms={live.now_ms} />
      <span className="state">
        {stateText(latest?.state ?? null, latest?.control_mode ?? null, t)}
      </span>
      <a className="alarm-count" data-count={count ?? 0} href="#alarms" onClick={toAlarms}>
        {t('alarms.count', { count: count ?? '–' })}
      </a>
      <SendButton site_id={site.id} />
    </PageHeader>
  );
}

function toAlarms(event: { preventDefault: () => void }): void {
  event.preventDefault();
  document.getElementById('alarms')?.scrollIntoView({ behavior: 'smooth' });
}

function Why({
  site,
  latest,
  age_s,
}: {
  site: Site;
  latest: Live['latest'];
  age_s: number | null;
}) {
  const { t, locale } = useT();
  if (latest.data === undefined)
    return latest.isError ? null : <Skeleton height={28} width={520} mb={16} />;
  const age = age_s === null ? null : t('why.age', { age: formatAge(age_s, locale) });
  return (
    <div className="why-row">
      <WhyLine why={latest.data.why} site={site} age={age} />
    </div>
  );
}

function Flowless({ latest }: { latest: Live['latest'] }) {
  const { t } = useT();
  if (latest.isPending) return <Skeleton height={340} />;
  if (latest.isError && latest.data === undefined)
    return (
      <Alert color="red" title={t('site.valuesFailed')}>
        <ErrorText error={latest.error} />
        <Button mt={8} display="block" size="compact-sm" onClick={() => void latest.refetch()}>
          {t('action.retry')}
        </Button>
      </Alert>
    );
  return (
    <div className="empty">
      <strong>{t('site.noValues')}</strong>
      <p className="dim">{t('site.noValuesHint')}</p>
    </div>
  );
}

function Lower({ site, base, values }: { site: Site; base: string; values: Values }) {
  const { t } = useT();
  const may = useMay();
  const health = componentHealth(site, values);
  const summary = (['good', 'stale', 'bad', 'none'] as const)
    .filter((quality) => health[quality] > 0)
    .map((quality) => `${health[quality]} ${t(`quality.${quality}`)}`)
    .join(', ');
  return (
    <>
      <div className="lower">
        <Card id="alarms">
          <h2 className="card-title">{t('nav.alarms')}</h2>
          <AlarmList
            path={`${base}/alarms`}
            zone={site.time_zone}
            limit={8}
            mayAcknowledge={may('alarms:acknowledge')}
          />
        </Card>
        <Card>
          <h2 className="card-title">{t('cycle.title')}</h2>
          <CycleList figures={figuresFromChannels(values)} />
        </Card>
      </div>
      {may('commands:read') && (
        <Card className="wide">
          <h2 className="card-title">
            {t('command.title')}
            <Link className="card-link" href={`/sites/${encodeURIComponent(site.id)}/commands`}>
              {t('command.showAll')}
            </Link>
          </h2>
          <CommandsPanel site_id={site.id} sites={[site]} brief />
        </Card>
      )}
      <Card className="devices-card">
        <h2 className="card-title">
          {t('nav.devices')} <span className="dim">{summary}</span>
        </h2>
        <DevicesTable site={site} values={values} />
      </Card>
    </>
  );
}
