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
import { Known } from '@/shared/parts/Known';
import { usePin } from '@/shared/pin/store';
import { usePreferences } from '@/shared/preferences/store';
import { useTheme } from '@/shared/theme/useTheme';

import { SYSTEM_TABS, type TabId } from './routes';

/** Left what acts (override), right what tells (what was done, limits, cloud, cycle, this screen). */
export function System({ site, values }: { site: Site; values: Values }) {
  const { t } = useT();
  const [tab, setTab] = useState<TabId>('actions');
  return (
    <div className="page system">
      <OverridePanel site={site} values={values} />
      <section className="panel system-tell">
        <div className="chips" role="group" aria-label={t('nav.system')}>
          {SYSTEM_TABS.map((id) => (
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
  return (
    <Known asked={useCycleHealth()} failed={t('cycle.failed')} height={180}>
      {(cycle) => (
        <>
          <CycleList figures={figuresFromHealth(cycle)} />
          <p className="dim">
            {t('cycle.period', { period: Math.round(cycle.period_s * 1000) })}
            {' · '}
            {t(cycle.realtime ? 'cycle.realtime' : 'cycle.notRealtime')}
          </p>
        </>
      )}
    </Known>
  );
}

function CloudPanel() {
  const { t } = useT();
  const identity = useIdentity();
  const waits = identity.data?.admitted === false;
  const claim = (
    <Known asked={identity} failed={t('claim.unknown')} height={48}>
      {(known) => <ClaimPanel identity={known} />}
    </Known>
  );
  return (
    <>
      {waits && claim}
      <Known asked={useSync()} failed={t('sync.failed')} height={96}>
        {(sync) => <SyncPanel sync={sync} />}
      </Known>
      {!waits && claim}
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
      <Choices title={t('tools.language')}>
        <Choice on={language === 'en'} text="English" onChoose={() => setLanguage('en')} />
        <Choice on={language === 'sv'} text="Svenska" onChoose={() => setLanguage('sv')} />
      </Choices>
      <Choices title={t('tools.theme')}>
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
      </Choices>
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

function Choices({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="choices">
      <span className="dim" aria-hidden="true">
        {title}
      </span>
      <div className="chips" role="group" aria-label={title}>
        {children}
      </div>
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
