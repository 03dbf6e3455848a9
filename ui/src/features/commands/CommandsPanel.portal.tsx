import { Alert, Button, Group, Skeleton, Stack } from '@mantine/core';
import { useState } from 'react';

import { useT } from '@/shared/i18n/useT';
import { ErrorText } from '@/shared/parts/ErrorText';

import { BatchDialog } from './BatchResult.portal';
import type { SiteOption } from './CommandForm.portal';
import { CommandsList, CommandTools, NoCommands } from './CommandsTable.portal';
import { useCommands } from './requests';
import { didSay } from './sentence';
import type { Filter } from './states';

interface Props {
  /** Null: of all sites. */
  site_id: string | null;
  sites: SiteOption[];
  /** Only the newest few, without search and filter. */
  brief?: boolean;
}

const BRIEF = 5;

/** Commands with their states, kept fresh; filter, search, older ones on demand. */
export function CommandsPanel({ site_id, sites, brief = false }: Props) {
  const { t, locale } = useT();
  const [filter, setFilter] = useState<Filter>('all');
  const [text, setText] = useState('');
  const [batch, setBatch] = useState<string | null>(null);
  const asked = useCommands(site_id, filter, brief ? BRIEF : 50);
  const siteOf = (id: string) => sites.find((site) => site.id === id);
  const pages = asked.data?.pages ?? [];
  const all = (brief ? pages.slice(0, 1) : pages).flatMap(({ items }) => items);
  const shown = all.filter((command) => {
    const site = siteOf(command.site_id)?.name ?? command.site_id;
    const words = didSay(command.kind, command.payload, { t, locale });
    return has(`${site} ${words} ${command.requested_by} ${command.reason}`, text);
  });
  return (
    <>
      {!brief && <CommandTools filter={filter} onFilter={setFilter} text={text} onText={setText} />}
      {asked.isError && (
        <Alert color="red" title={t('command.failed')} mb={8}>
          <ErrorText error={asked.error} />
          <Button mt={8} display="block" size="compact-sm" onClick={() => void asked.refetch()}>
            {t('action.retry')}
          </Button>
        </Alert>
      )}
      {asked.isPending && <Loading rows={brief ? 2 : 5} />}
      {asked.data !== undefined && shown.length === 0 && (
        <div className={brief ? undefined : 'empty'}>
          <NoCommands filter={text === '' ? filter : 'open'} />
        </div>
      )}
      {shown.length > 0 && (
        <CommandsList commands={shown} siteOf={siteOf} many={site_id === null} onBatch={setBatch} />
      )}
      {!brief && asked.hasNextPage && (
        <Group justify="center" mt={8}>
          <Button
            variant="default"
            loading={asked.isFetchingNextPage}
            onClick={() => void asked.fetchNextPage()}
          >
            {t('command.older')}
          </Button>
        </Group>
      )}
      {batch !== null && <BatchDialog id={batch} sites={sites} onClose={() => setBatch(null)} />}
    </>
  );
}

const has = (words: string, text: string): boolean =>
  words.toLowerCase().includes(text.trim().toLowerCase());

function Loading({ rows }: { rows: number }) {
  return (
    <Stack gap={8} aria-busy="true">
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} height={44} />
      ))}
    </Stack>
  );
}
