import { Card, Text } from '@mantine/core';

import { SitesTable } from '@/features/fleet/SitesTable.portal';
import { useSites } from '@/features/fleet/requests';
import { useT } from '@/shared/i18n/useT';

import { ListCard } from '@/shared/parts/ListCard.portal';

import { PageHeader } from './PageHeader';

export function SitesPage() {
  const { t } = useT();
  const sites = useSites();
  return (
    <>
      <PageHeader title={t('nav.sites')} />
      <Card>
        <ListCard
          queries={[sites]}
          failed={t('sites.failed')}
          empty={
            sites.data?.length === 0 && (
              <>
                <Text fw={500}>{t('sites.empty')}</Text>
                <Text c="dimmed" size="sm">
                  {t('sites.emptyHint')}
                </Text>
              </>
            )
          }
        >
          <SitesTable sites={sites.data ?? []} />
        </ListCard>
      </Card>
    </>
  );
}
