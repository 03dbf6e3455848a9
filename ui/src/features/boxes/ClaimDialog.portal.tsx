import { Modal, Skeleton } from '@mantine/core';
import { useState } from 'react';

import type { Box, Claim } from '@/shared/api/model';
import { useT } from '@/shared/i18n/useT';

import { ClaimForm, type SiteChoice } from './ClaimForm.portal';
import { ClaimProgress } from './ClaimProgress.portal';
import { useClaims } from './requests';

interface Props {
  sites: SiteChoice[];
  /** Whose place the new box takes. */
  replaces?: Box | undefined;
  /** A claim that was entered before. */
  claim?: Claim | undefined;
  onClose: () => void;
}

/** From the code to the box that is let in; may be closed at any step and taken up again from the list. */
export function ClaimDialog({ sites, replaces, claim, onClose }: Props) {
  const { t } = useT();
  const [entered, setEntered] = useState<{ claim: Claim; fingerprint: string | null } | null>(
    claim === undefined ? null : { claim, fingerprint: null },
  );
  const claims = useClaims(entered !== null);
  const newest = claims.data?.find(({ id }) => id === entered?.claim.id) ?? entered?.claim;
  const title =
    replaces === undefined
      ? t('claiming.title')
      : t('claiming.titleReplace', { name: replaces.name });
  return (
    <Modal
      opened
      onClose={onClose}
      title={title}
      size="lg"
      closeButtonProps={{ 'aria-label': t('action.close') }}
    >
      {entered === null ? (
        <ClaimForm sites={sites} replaces={replaces} onEntered={setEntered} />
      ) : newest === undefined ? (
        <Skeleton height={160} />
      ) : (
        <ClaimProgress claim={newest} scanned={entered.fingerprint} onClose={onClose} />
      )}
    </Modal>
  );
}
