import { Card } from '@mantine/core';

import { AlarmList } from '@/features/alarms/AlarmList.portal';
import { useSites } from '@/features/fleet/requests';
import { useMay } from '@/features/session/requests';
import { useT } from '@/shared/i18n/useT';

import { PageHeader } from './PageHeader';

export function AlarmsPage() {
  const { t } = useT();
  const sites = useSites();
  const may = useMay();
  return (
    <>
      <PageHeader title={t('nav.alarms')} />
      <Card>
        <AlarmList
          path="/alarms"
          mayAcknowledge={may('alarms:acknowledge')}
          siteName={(alarm) => sites.data?.find((site) => site.id === alarm.site_id)?.name}
        />
      </Card>
    </>
  );
}
