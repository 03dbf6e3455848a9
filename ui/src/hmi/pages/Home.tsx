import { BatteryPanel } from '@/features/battery/BatteryPanel.hmi';
import { FlowDiagram } from '@/features/flow/FlowDiagram';
import { TodayLine } from '@/features/summary/TodayLine.hmi';
import { WhyLine } from '@/features/why/WhyLine';
import type { Latest, Site } from '@/shared/api/model';
import { formatAge } from '@/shared/format/time';
import { useT } from '@/shared/i18n/useT';
import { ageSeconds } from '@/shared/live/freshness';

import type { useLiveEdge } from '../useLiveEdge';

interface Props {
  site: Site;
  latest: Latest;
  live: ReturnType<typeof useLiveEdge>;
}

/** What flows, what the battery does, and why. */
export function Home({ site, latest, live }: Props) {
  const { t, locale } = useT();
  const old = live.state !== 'live';
  const age_s = live.time_ms === null ? null : ageSeconds(live.time_ms, live.now_ms);
  const age = old && age_s !== null ? t('why.age', { age: formatAge(age_s, locale) }) : null;
  return (
    <div className="page home">
      <div className="home-flow">
        <FlowDiagram site={site} values={latest.values} stale={old} />
      </div>
      <div className="home-side">
        <h1 className="home-name">{site.name}</h1>
        <BatteryPanel site={site} values={latest.values} stale={old} />
        <TodayLine site={site} />
      </div>
      <div className="home-why">
        <WhyLine why={latest.why} site={site} age={age} />
      </div>
    </div>
  );
}
