import { Button, Group, Modal, ScrollArea, Skeleton, Table } from '@mantine/core';

import type { Batch } from '@/shared/api/model';
import { useT } from '@/shared/i18n/useT';
import { ErrorText } from '@/shared/parts/ErrorText';

import { CommandState } from './CommandState.portal';
import { useBatch } from './requests';

interface Named {
  id: string;
  name: string;
}

interface ResultProps {
  sent: Batch;
  sites: Named[];
  onClose: () => void;
}

/** A result for every site, as they come; a site that could take none says why. */
export function BatchResult({ sent, sites, onClose }: ResultProps) {
  const { t } = useT();
  const newest = useBatch(sent.id).data;
  const now = new Map(newest?.results.map((result) => [result.site_id, result]));
  const nameOf = (id: string) => sites.find((site) => site.id === id)?.name ?? id;
  return (
    <>
      <ScrollArea.Autosize mah={480} type="auto">
        <Table verticalSpacing="xs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('command.site')}</Table.Th>
              <Table.Th>{t('command.state')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {sent.results.map((first) => {
              const { site_id, command, error } = now.get(first.site_id) ?? first;
              return (
                <Table.Tr key={site_id}>
                  <Table.Td>{nameOf(site_id)}</Table.Td>
                  <Table.Td>
                    {command === null ? (
                      <span className="command-state" data-state="rejected">
                        {t('command.notSent')}
                        <span className="command-reason">{error}</span>
                      </span>
                    ) : (
                      <CommandState command={command} />
                    )}
                  </Table.Td>
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      </ScrollArea.Autosize>
      <Group justify="flex-end" mt={16}>
        <Button variant="default" onClick={onClose}>
          {t('action.close')}
        </Button>
      </Group>
    </>
  );
}

interface DialogProps {
  id: string;
  sites: Named[];
  onClose: () => void;
}

/** A batch that was sent before. */
export function BatchDialog({ id, sites, onClose }: DialogProps) {
  const { t } = useT();
  const batch = useBatch(id);
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('command.batchTitle', { count: batch.data?.results.length ?? '…' })}
      size="lg"
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      {batch.isError && <ErrorText error={batch.error} />}
      {batch.isPending && <Skeleton height={120} />}
      {batch.data !== undefined && (
        <BatchResult sent={batch.data} sites={sites} onClose={onClose} />
      )}
    </Modal>
  );
}
