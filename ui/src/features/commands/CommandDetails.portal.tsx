import { Button, Group, Text } from '@mantine/core';
import type { ReactNode } from 'react';

import type { Command } from '@/shared/api/model';
import { useT } from '@/shared/i18n/useT';
import { ErrorText } from '@/shared/parts/ErrorText';
import { downloadBlob } from '@/shared/parts/download';

import { Moment } from './Moment.portal';
import { useResult } from './requests';

interface Props {
  command: Command;
  zone: string | undefined;
  onBatch: (id: string) => void;
}

/** Every time, every word of the box, and what exactly was signed and sent. */
export function CommandDetails({ command, zone, onBatch }: Props) {
  const { t } = useT();
  const { batch_id, reason } = command;
  return (
    <dl className="command-details">
      <Fact term={t('command.created')}>
        <Moment time={command.created_at} zone={zone} />
      </Fact>
      <Fact term={t('command.sent')}>
        <Moment time={command.sent_at} zone={zone} />
      </Fact>
      <Fact term={t('command.decided')}>
        <Moment time={command.decided_at} zone={zone} />
      </Fact>
      <Fact term={t('command.expires')}>
        <Moment time={command.expires_at} zone={zone} />
      </Fact>
      <Fact term={t('command.counter')}>{command.counter}</Fact>
      {reason !== '' && <Fact term={t('command.state')}>{reason}</Fact>}
      <Fact term={t('command.payload')}>
        <pre>{contentOf(command)}</pre>
      </Fact>
      {batch_id !== null && (
        <Fact term={t('command.batch')}>
          <Button variant="default" size="compact-sm" onClick={() => onBatch(batch_id)}>
            {t('command.batchOpen')}
          </Button>
        </Fact>
      )}
      {command.has_result && <Result id={command.id} />}
    </dl>
  );
}

function Fact({ term, children }: { term: string; children: ReactNode }) {
  return (
    <>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </>
  );
}

/** A site file is read as the text that it is. */
function contentOf({ kind, payload }: Command): string {
  if (typeof payload.site_yaml === 'string') return payload.site_yaml;
  return JSON.stringify({ kind, ...payload }, null, 2);
}

function Result({ id }: { id: string }) {
  const { t } = useT();
  const result = useResult();
  const fetch = () =>
    result.mutate(id, { onSuccess: (file) => downloadBlob(`diagnostics-${id}.zip`, file) });
  return (
    <Fact term={t('command.kind.diagnostics')}>
      <Group gap={8}>
        <Button size="compact-sm" loading={result.isPending} onClick={fetch}>
          {t('command.download')}
        </Button>
        {result.isError && (
          <Text c="red" role="alert">
            <ErrorText error={result.error} />
          </Text>
        )}
      </Group>
    </Fact>
  );
}
