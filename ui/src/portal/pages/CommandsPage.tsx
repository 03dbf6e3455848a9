import { Button, Card } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'wouter';

import { useAlarms } from '@/features/alarms/requests';
import { CommandsPanel } from '@/features/commands/CommandsPanel.portal';
import { SendDialog } from '@/features/commands/SendDialog.portal';
import { kindsFor } from '@/features/commands/kinds';
import { useSites } from '@/features/fleet/requests';
import { useMay } from '@/features/session/requests';
import type { Alarm } from '@/shared/api/model';
import { useT } from '@/shared/i18n/useT';

import { PageHeader } from './PageHeader';

/** Commands to one site, or to many at once (`site_id` null). */
export function CommandsPage({ site_id }: { site_id: string | null }) {
  const { t } = useT();
  const sites = useSites();
  const site = sites.data?.find(({ id }) => id === site_id);
  const title = t('command.title');
  return (
    <>
      <PageHeader
        title={
          site_id === null ? (
            title
          ) : (
            <>
              <Link href={`/sites/${encodeURIComponent(site_id)}`}>{site?.name ?? site_id}</Link>
              {` · ${title}`}
            </>
          )
        }
      >
        <SendButton site_id={site_id} />
      </PageHeader>
      <Card>
        <CommandsPanel site_id={site_id} sites={sites.data ?? []} />
      </Card>
    </>
  );
}

/** Offered only to who may send something. */
export function SendButton({ site_id }: { site_id: string | null }) {
  const { t } = useT();
  const [open, setOpen] = useState(false);
  const sites = useSites();
  const alarms = useAlarms(
    site_id === null ? '/alarms' : `/sites/${encodeURIComponent(site_id)}/alarms`,
    true,
  );
  const kinds = kindsFor(useMay(), site_id === null);
  const site = sites.data?.find(({ id }) => id === site_id) ?? null;
  if (kinds.length === 0 || (site_id !== null && site === null)) return null;
  return (
    <>
      <Button className="header-action" onClick={() => setOpen(true)}>
        {t('command.titleNew')}
      </Button>
      {open && (
        <SendDialog
          site={site}
          sites={sites.data ?? []}
          kinds={kinds}
          faults={faultsIn(alarms.data ?? [])}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}

const faultsIn = (alarms: Alarm[]): string[] => [
  ...new Set(
    alarms
      .filter(({ origin }) => origin !== 'cloud')
      .map(({ code, component }) => `${code}:${component}`),
  ),
];
