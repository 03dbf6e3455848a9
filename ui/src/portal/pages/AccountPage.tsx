import { Alert, Card, Stack, Title } from '@mantine/core';

import { PasswordCard } from '@/features/account/PasswordCard.portal';
import { SecondFactorCard } from '@/features/account/SecondFactorCard.portal';
import { SessionsTable } from '@/features/account/SessionsTable.portal';
import { useSessions } from '@/features/account/requests';
import { useMe } from '@/features/session/requests';
import { useT } from '@/shared/i18n/useT';

import { ListCard } from '@/shared/parts/ListCard.portal';

import { PageHeader } from './PageHeader';

/** One's own account: second factor, password, where one is signed in. */
export function AccountPage() {
  const { t } = useT();
  const me = useMe();
  const sessions = useSessions();
  return (
    <>
      <PageHeader title={t('account.title')} />
      <Stack gap={16}>
        {me.data?.must_enrol === true && (
          <Alert color="orange" title={t('account.mustEnrol')}>
            {t('account.mustEnrolHint')}
          </Alert>
        )}
        <ListCard queries={[me]} failed={t('account.failed')} empty={false}>
          {me.data !== undefined && <SecondFactorCard on={me.data.second_factor} />}
        </ListCard>
        <PasswordCard />
        <Card>
          <Title order={2} size={16} mb={8}>
            {t('account.sessions')}
          </Title>
          <ListCard queries={[sessions]} failed={t('account.sessionsFailed')} empty={false}>
            <SessionsTable sessions={sessions.data ?? []} />
          </ListCard>
        </Card>
      </Stack>
    </>
  );
}
