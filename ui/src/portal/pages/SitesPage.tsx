import { Alert, Button, Card, Skeleton, Stack, Text } from '@mantine/core';

import { SitesTable } from '@/features/fleet/SitesTable.portal';
import { useSites } from '@/features/fleet/requests';
import { useT } from '@/shared/i18n/useT';
import { ErrorText } from '@/shared/parts/ErrorText';

import { PageHeader } from './PageHeader';

export function SitesPage() {
  const { t } = useT();
  const sites = useSites();
  return (
    <>
      <PageHeader title={t('nav.sites')} />
      <Card>
        {sites.isPending && (
          <Stack gap={8} aria-busy="true">
            {[0, 1, 2, 3].map((row) => (
              <Skeleton key={row} height={44} />
            ))}
          </Stack>
        )}
        {sites.isError && (
          <Alert color="red" title={t('sites.failed')} mb={sites.data === undefined ? 0 : 12}>
            <ErrorText error={sites.error} />
            <Button mt={8} display="block" size="compact-sm" onClick={() => void sites.refetch()}>
              {t('action.retry')}
            </Button>
          </Alert>
        )}
        {sites.data?.length === 0 && (
          <div className="empty">
            <Text fw={500}>{t('sites.empty')}</Text>
            <Text c="dimmed" size="sm">
              {t('sites.emptyHint')}
            </Text>
          </div>
        )}
        {sites.data !== undefined && sites.data.length > 0 && <SitesTable sites={sites.data} />}
      </Card>
    </>
  );
}
