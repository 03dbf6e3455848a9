import { Modal } from '@mantine/core';
import { useState } from 'react';

import type { Batch } from '@/shared/api/model';
import { useT } from '@/shared/i18n/useT';
import { useSite } from '@/shared/site/requests';

import { BatchResult } from './BatchResult.portal';
import { CommandForm, type SiteOption } from './CommandForm.portal';
import { Review } from './Review.portal';
import { FIRST_DRAFT, isBattery, orderOf, type Draft } from './draft';
import type { Kind } from './kinds';
import { useSend, useSendBatch, useSettable } from './requests';

interface Props {
  /** The site it goes to; null: those that are chosen here. */
  site: SiteOption | null;
  sites: SiteOption[];
  kinds: Kind[];
  faults: string[];
  onClose: () => void;
}

/** Put together, looked at once more, sent; to many sites with a result for each. */
export function SendDialog({ site, sites, kinds, faults, onClose }: Props) {
  const { t } = useT();
  const [chosen, setChosen] = useState<string[]>(site === null ? [] : [site.id]);
  const [draft, setDraft] = useState<Draft>({ ...FIRST_DRAFT, kind: kinds[0] ?? 'override' });
  const [reviewing, setReviewing] = useState(false);
  const [batch, setBatch] = useState<Batch | null>(null);
  const [once, setOnce] = useState(newKey);
  const { targets, batteries } = useTargets(chosen[0] ?? null);
  const filled = { ...draft, target: draft.target || (targets[0] ?? '') };
  const battery = isBattery(filled.target, batteries);
  const send = useSend();
  const sendBatch = useSendBatch();
  const confirm = () => {
    const order = orderOf(filled, battery);
    const { valid_s } = filled;
    if (site !== null)
      send.mutate({ site_id: site.id, request: { order, valid_s }, once }, { onSuccess: onClose });
    else
      sendBatch.mutate(
        { request: { site_ids: chosen, order, valid_s }, once },
        { onSuccess: setBatch },
      );
  };
  const change = (changes: Partial<Draft>) => {
    setDraft({ ...filled, ...changes });
    setOnce(newKey);
    send.reset();
    sendBatch.reset();
  };
  const title =
    batch !== null ? 'command.sent' : reviewing ? 'command.titleReview' : 'command.titleNew';
  return (
    <Modal
      opened
      onClose={onClose}
      title={site === null || batch !== null ? t(title) : `${t(title)} · ${site.name}`}
      size="lg"
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      {batch !== null ? (
        <BatchResult sent={batch} sites={sites} onClose={onClose} />
      ) : reviewing ? (
        <Review
          order={orderOf(filled, battery)}
          file={filled.file?.name}
          valid_s={filled.valid_s}
          batteries={batteries}
          sites={sites.filter(({ id }) => chosen.includes(id))}
          busy={send.isPending || sendBatch.isPending}
          error={send.error ?? sendBatch.error}
          onBack={() => setReviewing(false)}
          onSend={confirm}
        />
      ) : (
        <CommandForm
          draft={filled}
          battery={battery}
          kinds={kinds}
          targets={targets}
          faults={faults}
          sites={site === null ? sites : null}
          chosen={chosen}
          onChosen={(ids) => {
            setChosen(ids);
            setOnce(newKey);
          }}
          onChange={change}
          onReview={() => setReviewing(true)}
        />
      )}
    </Modal>
  );
}

/** What can be set at a site, the batteries' power first. */
function useTargets(site_id: string | null) {
  const settable = useSettable(site_id);
  const site = useSite(`/sites/${encodeURIComponent(site_id ?? '')}`, site_id !== null);
  const components = site.data?.components ?? [];
  const batteries = components.filter(({ kind }) => kind === 'ess').map(({ id }) => id);
  const found = (settable.data ?? []).map(({ address }) => address);
  const rank = (address: string) => (isBattery(address, batteries) ? 0 : 1);
  return { batteries, targets: found.toSorted((one, other) => rank(one) - rank(other)) };
}

/** Not `crypto.randomUUID`: a portal on a local network may be served without TLS. */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
}
