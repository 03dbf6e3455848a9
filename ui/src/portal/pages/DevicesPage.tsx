import { Button, Card, Text } from '@mantine/core';
import { useCallback, useState } from 'react';

import { BoxActions, type Verb } from '@/features/boxes/BoxActions.portal';
import { BoxesTable } from '@/features/boxes/BoxesTable.portal';
import { ClaimDialog } from '@/features/boxes/ClaimDialog.portal';
import { RevokeDialog, WithdrawDialog } from '@/features/boxes/EndDialog.portal';
import { boxRows, waitingCount, type BoxRow } from '@/features/boxes/boxes';
import { useBoxes, useClaims } from '@/features/boxes/requests';
import { useSites } from '@/features/fleet/requests';
import { useMay } from '@/features/session/requests';
import { useT } from '@/shared/i18n/useT';

import { ListCard } from '@/shared/parts/ListCard.portal';

import { PageHeader } from './PageHeader';

/** What is being done, and with which row; `add` needs none. */
type Doing = { verb: 'add' } | { verb: Verb; row: BoxRow };

/** The boxes of a tenant: let in, replaced, shut out. */
export function DevicesPage() {
  const { t } = useT();
  const mayWrite = useMay()('devices:write');
  const boxes = useBoxes();
  const claims = useClaims();
  const sites = useSites();
  const [doing, setDoing] = useState<Doing | null>(null);
  const siteName = useCallback(
    (id: string) => sites.data?.find((site) => site.id === id)?.name ?? id,
    [sites.data],
  );
  const rows = boxRows(boxes.data ?? [], claims.data ?? []);
  const waiting = waitingCount(rows);
  return (
    <>
      <PageHeader title={t('boxes.title')}>
        {waiting > 0 && <span className="wants">{t('boxes.waiting', { count: waiting })}</span>}
        {mayWrite && (
          <Button className="header-action" onClick={() => setDoing({ verb: 'add' })}>
            {t('boxes.claim')}
          </Button>
        )}
      </PageHeader>
      <Card>
        <ListCard
          queries={[boxes, claims]}
          failed={t('boxes.failed')}
          empty={
            rows.length === 0 && (
              <>
                <Text fw={500}>{t('boxes.empty')}</Text>
                <Text c="dimmed" size="sm">
                  {t('boxes.emptyHint')}
                </Text>
              </>
            )
          }
        >
          <BoxesTable
            rows={rows}
            siteName={siteName}
            {...(mayWrite && {
              actions: (row: BoxRow) => (
                <BoxActions row={row} onVerb={(verb) => setDoing({ verb, row })} />
              ),
            })}
          />
        </ListCard>
      </Card>
      {doing !== null && (
        <Dialog
          doing={doing}
          sites={sites.data ?? []}
          siteName={siteName}
          onClose={() => setDoing(null)}
        />
      )}
    </>
  );
}

interface DialogProps {
  doing: Doing;
  sites: { id: string; name: string }[];
  siteName: (id: string) => string;
  onClose: () => void;
}

function Dialog({ doing, sites, siteName, onClose }: DialogProps) {
  if (doing.verb === 'add') return <ClaimDialog sites={sites} onClose={onClose} />;
  const { row, verb } = doing;
  switch (verb) {
    case 'review':
      return <ClaimDialog sites={sites} claim={row.claim ?? undefined} onClose={onClose} />;
    case 'replace':
      return <ClaimDialog sites={sites} replaces={row.box ?? undefined} onClose={onClose} />;
    case 'withdraw':
      return <WithdrawDialog row={row} onClose={onClose} />;
    case 'revoke':
      return (
        <RevokeDialog
          row={row}
          siteName={row.site_id === null ? '–' : siteName(row.site_id)}
          onClose={onClose}
        />
      );
  }
}
