import { Button, Group, MultiSelect, Select, Stack } from '@mantine/core';
import { useState, type FormEvent } from 'react';

import { useT } from '@/shared/i18n/useT';

import { KindFields } from './KindFields.portal';
import { wrongIn, type Draft } from './draft';
import type { FieldsProps } from './fields';
import type { Kind } from './kinds';

export interface SiteOption {
  id: string;
  name: string;
  time_zone: string;
}

export const VALID_S = [
  [300, 'min5'],
  [3600, 'hour'],
  [86_400, 'day'],
  [518_400, 'week'],
] as const;

interface Props extends Pick<FieldsProps, 'draft' | 'battery' | 'targets' | 'faults'> {
  kinds: Kind[];
  /** To choose from; null when the site is given. */
  sites: SiteOption[] | null;
  chosen: string[];
  onChosen: (ids: string[]) => void;
  onChange: (changes: Partial<Draft>) => void;
  onReview: () => void;
}

/** Everything about a command before it is looked at once more. */
export function CommandForm(props: Props) {
  const { t } = useT();
  const { draft, battery, kinds, sites, chosen, onChange } = props;
  const [tried, setTried] = useState(false);
  const wrong = wrongIn(draft, battery);
  const nowhere = sites !== null && chosen.length === 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (wrong.length === 0 && !nowhere) props.onReview();
  };
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap={12}>
        {sites !== null && (
          <Sites
            sites={sites}
            chosen={chosen}
            onChosen={props.onChosen}
            error={tried && nowhere ? t('command.sitesNone') : undefined}
          />
        )}
        <Select
          label={t('command.kind')}
          allowDeselect={false}
          data={kinds.map((kind) => ({ value: kind, label: t(`command.kind.${kind}`) }))}
          value={draft.kind}
          onChange={(kind) => onChange({ kind: kind as Kind })}
        />
        <KindFields
          draft={draft}
          battery={battery}
          targets={props.targets}
          faults={props.faults}
          onChange={onChange}
          wrong={(field) =>
            tried && wrong.includes(field) ? t(`command.wrong.${field}`) : undefined
          }
        />
        <Select
          label={t('command.valid')}
          description={t('command.validHint')}
          allowDeselect={false}
          data={VALID_S.map(([valid_s, name]) => ({
            value: String(valid_s),
            label: t(`command.valid.${name}`),
          }))}
          value={String(draft.valid_s)}
          onChange={(valid_s) => onChange({ valid_s: Number(valid_s) })}
        />
        <Group justify="flex-end" mt={4}>
          <Button type="submit">{t('command.review')}</Button>
        </Group>
      </Stack>
    </form>
  );
}

interface SitesProps {
  sites: SiteOption[];
  chosen: string[];
  onChosen: (ids: string[]) => void;
  error: string | undefined;
}

function Sites({ sites, chosen, onChosen, error }: SitesProps) {
  const { t } = useT();
  return (
    <div>
      <MultiSelect
        label={t('command.sites')}
        required
        searchable
        hidePickedOptions
        data={sites.map(({ id, name }) => ({ value: id, label: name }))}
        value={chosen}
        error={error}
        onChange={onChosen}
      />
      {chosen.length < sites.length && (
        <Button
          mt={4}
          variant="subtle"
          size="compact-sm"
          onClick={() => onChosen(sites.map(({ id }) => id))}
        >
          {t('command.sitesAll', { count: sites.length })}
        </Button>
      )}
    </div>
  );
}
