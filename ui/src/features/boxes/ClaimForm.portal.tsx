import { Alert, Button, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { useState, type FormEvent } from 'react';

import type { Box, Claim } from '@/shared/api/model';
import { useT } from '@/shared/i18n/useT';
import { ErrorText } from '@/shared/parts/ErrorText';

import { isWhole, readEntered } from './code';
import { useEnterCode } from './requests';

export interface SiteChoice {
  id: string;
  name: string;
}

interface Props {
  sites: SiteChoice[];
  replaces: Box | undefined;
  onEntered: (entered: { claim: Claim; fingerprint: string | null }) => void;
}

/** Code, name and site of a box that is to come. */
export function ClaimForm({ sites, replaces, onEntered }: Props) {
  const { t } = useT();
  const [scanned, setScanned] = useState<string | null>(null);
  const [draft, setDraft] = useState({ code: '', name: '', site_id: null as string | null });
  const [tried, setTried] = useState(false);
  const enter = useEnterCode();
  const whole = isWhole(draft.code);
  const readCode = (text: string) => {
    const { code, fingerprint } = readEntered(text);
    setDraft({ ...draft, code });
    setScanned(fingerprint);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!whole) return;
    const { code, site_id } = draft;
    const request = { code, name: draft.name.trim(), site_id, valid_days: 30 };
    enter.mutate(
      { ...request, replaces: replaces?.id ?? null },
      { onSuccess: (claim) => onEntered({ claim, fingerprint: scanned }) },
    );
  };
  return (
    <form onSubmit={submit}>
      <Stack gap={16}>
        {replaces !== undefined && <Text>{t('claiming.replaces', placeOf(replaces, sites))}</Text>}
        <TextInput
          label={t('claiming.code')}
          description={t('claiming.codeHint')}
          placeholder="0000-0000-0000-0000-0000"
          classNames={{ input: 'code-input' }}
          autoComplete="off"
          spellCheck={false}
          required
          data-autofocus
          error={tried && !whole ? t('claiming.codeShort') : undefined}
          value={draft.code}
          onChange={(event) => readCode(event.currentTarget.value)}
        />
        <TextInput
          label={t('claiming.name')}
          description={t('claiming.nameHint')}
          required
          maxLength={200}
          value={draft.name}
          onChange={(event) => setDraft({ ...draft, name: event.currentTarget.value })}
        />
        {replaces === undefined && (
          <Select
            label={t('claiming.site')}
            description={t('claiming.siteHint')}
            placeholder={t('boxes.siteOpen')}
            clearable
            searchable
            data={sites.map(({ id, name }) => ({ value: id, label: `${name} (${id})` }))}
            value={draft.site_id}
            onChange={(site_id) => setDraft({ ...draft, site_id })}
          />
        )}
        {enter.isError && (
          <Alert color="red" role="alert" title={t('claiming.failed')}>
            <ErrorText error={enter.error} />
          </Alert>
        )}
        <Group justify="flex-end">
          <Button type="submit" loading={enter.isPending}>
            {t('claiming.enter')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function placeOf({ name, site_id }: Box, sites: SiteChoice[]) {
  return { name, site: sites.find(({ id }) => id === site_id)?.name ?? site_id ?? '–' };
}
