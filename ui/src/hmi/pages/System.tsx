import { useState, type ReactNode } from 'react';

import { CycleList } from '@/features/cycle/CycleList';
import { figuresFromHealth } from '@/features/cycle/statistics';
import { OverridePanel } from '@/features/override/OverridePanel.hmi';
import { ActionList } from '@/features/records/ActionList.hmi';
import { LimitList } from '@/features/records/LimitList.hmi';
import { ClaimPanel } from '@/features/system/ClaimPanel.hmi';
import { SyncPanel } from '@/features/system/SyncPanel.hmi';
import { useCycleHealth, useIdentity, useSync } from '@/features/system/requests';
import type { Site, Values } from '@/shared/api/model';
import { useT } from '@/shared/i18n/useT';
import { usePin } from '@/shared/pin/store';
import { usePreferences } from '@/shared/preferences/store';
import { useTheme } from '@/shared/theme/useTheme';

const TABS = ['actions', 'limits', 'sync', 'cycle', 'screen'] as const;
type Tab = (typeof TABS)[number];

/** Left what acts (override), right what tells (what was done, limits, cloud, cycle, this screen). */
export function System({ site, values }: { site: Site; values: Values }) {
  const { t } = useT();
  const [tab, setTab] = useState<Tab>('actions');
  return (
    <div className="page system">
      <OverridePanel site={site} values={values} />
      <section className="panel system-tell">
        <div className="chips" role="group" aria-label={t('nav.system')}>
          {TABS.map((id) => (
            <button
              key={id}
              type="button"
              className="chip"
              aria-pressed={id === tab}
              onClick={() => setTab(id)}
            >
              {t(`system.${id}`)}
            </button>
          ))}
        </div>
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, also by keys */}
        <div className="system-body" role="region" aria-label={t(`system.${tab}`)} tabIndex={0}>
          {tab === 'actions' && <ActionList zone={site.time_zone} />}
          {tab === 'limits' && <LimitList zone={site.time_zone} />}
          {tab === 'cycle' && <CyclePanel />}
          {tab === 'sync' && <CloudPanel />}
          {tab === 'screen' && <ScreenPanel />}
        </div>
      </section>
    </div>
  );
}

function CyclePanel() {
  const { t } = useT();
  const cycle = useCycleHealth();
  if (cycle.data === undefined) return <div className="skeleton" style={{ height: 180 }} />;
  return (
    <>
      <CycleList figures={figuresFromHealth(cycle.data)} />
      <p className="dim">
        {t('cycle.period', { period: Math.round(cycle.data.period_s * 1000) })}
        {' · '}
        {t(cycle.data.realtime ? 'cycle.realtime' : 'cycle.notRealtime')}
      </p>
    </>
  );
}

function CloudPanel() {
  const { t } = useT();
  const identity = useIdentity().data;
  const waits = identity !== undefined && !identity.admitted;
  return (
    <>
      {waits && <ClaimPanel identity={identity} />}
      <SyncPanel sync={useSync().data} />
      {!waits && <ClaimPanel identity={identity} />}
      <p className="dim">{t('sync.note')}</p>
      <dl className="facts">
        <Fact term={t('system.address')}>{window.location.host}</Fact>
      </dl>
    </>
  );
}

function ScreenPanel() {
  const { t, language } = useT();
  const { setLanguage, setTheme } = usePreferences();
  const theme = useTheme();
  const { token, lock } = usePin();
  return (
    <div className="screen-tools">
      <div className="chips" role="group" aria-label={t('tools.language')}>
        <Choice on={language === 'en'} text="English" onChoose={() => setLanguage('en')} />
        <Choice on={language === 'sv'} text="Svenska" onChoose={() => setLanguage('sv')} />
      </div>
      <div className="chips" role="group" aria-label={t('tools.theme')}>
        <Choice
          on={theme === 'light'}
          text={t('tools.lightName')}
          onChoose={() => setTheme('light')}
        />
        <Choice
          on={theme === 'dark'}
          text={t('tools.darkName')}
          onChoose={() => setTheme('dark')}
        />
      </div>
      {token !== null && (
        <button type="button" className="button" onClick={lock}>
          {t('pin.lock')}
        </button>
      )}
      <dl className="facts">
        <Fact term={t('system.software')}>Sim EMS {__VERSION__}</Fact>
      </dl>
    </div>
  );
}

function Choice({ on, text, onChoose }: { on: boolean; text: string; onChoose: () => void }) {
  return (
    <button type="button" className="chip" aria-pressed={on} onClick={onChoose}>
      {text}
    </button>
  );
}

function Fact({ term, children }: { term: string; children: ReactNode }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}
