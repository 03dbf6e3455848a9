import { Alert, Button, Table } from '@mantine/core';

import type { OwnSession } from '@/shared/api/model';
import { formatDayClock } from '@/shared/format/time';
import { useT } from '@/shared/i18n/useT';
import { Age } from '@/shared/parts/Age';
import { ErrorText } from '@/shared/parts/ErrorText';
import { useNow } from '@/shared/time/useNow';

import { browserOf } from './browser';
import { useEndSession } from './requests';

/** Where one is signed in; any of them can be ended from here. Times in the zone of the browser. */
export function SessionsTable({ sessions }: { sessions: OwnSession[] }) {
  const { t, locale } = useT();
  const now_ms = useNow(10_000);
  const ending = useEndSession();
  return (
    <>
      {ending.isError && (
        <Alert color="red" role="alert" mb={12}>
          <ErrorText error={ending.error} />
        </Alert>
      )}
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('account.browser')}</Table.Th>
            <Table.Th>{t('account.since')}</Table.Th>
            <Table.Th>{t('account.used')}</Table.Th>
            <Table.Th />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {sessions.map((session) => (
            <Table.Tr key={session.id}>
              <Table.Td title={session.client}>
                {browserOf(session.client) ?? session.client}
              </Table.Td>
              <Table.Td>{formatDayClock(Date.parse(session.created_at), locale)}</Table.Td>
              <Table.Td>
                <Age time={session.used_at} now_ms={now_ms} />
              </Table.Td>
              <Table.Td ta="right">
                {session.current ? (
                  t('account.here')
                ) : (
                  <Button
                    size="compact-sm"
                    variant="default"
                    loading={ending.isPending && ending.variables === session.id}
                    onClick={() => ending.mutate(session.id)}
                  >
                    {t('account.end')}
                  </Button>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </>
  );
}
