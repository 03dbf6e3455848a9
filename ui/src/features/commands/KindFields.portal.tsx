import { Autocomplete, FileInput, Select, Stack, TextInput } from '@mantine/core';

import { useT } from '@/shared/i18n/useT';

import { Minutes, OverrideFields } from './OverrideFields.portal';
import { scheduleIn } from './draft';
import type { FieldsProps } from './fields';
import { MODES, STAYING_MODES } from './kinds';
import { modeName } from './sentence';

/** The largest file that the API takes. */
const MOST_BYTES = 400_000;

/** The fields of the chosen kind; some kinds have none. */
export function KindFields(props: FieldsProps) {
  switch (props.draft.kind) {
    case 'override':
      return (
        <Stack gap={12}>
          <OverrideFields {...props} />
        </Stack>
      );
    case 'mode':
      return <ModeFields {...props} />;
    case 'clear_fault':
      return <FaultField {...props} />;
    case 'schedule':
    case 'configuration':
      return <FileField {...props} />;
    case 'update':
      return <UpdateFields {...props} />;
    default:
      return null;
  }
}

function ModeFields({ draft, onChange, wrong }: FieldsProps) {
  const { t } = useT();
  return (
    <Stack gap={12}>
      <Select
        label={t('command.mode')}
        required
        allowDeselect={false}
        data={MODES.map((mode) => ({ value: mode, label: modeName(mode, t) }))}
        value={draft.mode}
        error={wrong('mode')}
        onChange={(mode) => {
          const stays = mode === null || STAYING_MODES.includes(mode);
          onChange({ mode: mode ?? '', ...(stays && { duration_min: 0 }) });
        }}
      />
      <Minutes
        draft={draft}
        onChange={onChange}
        error={wrong('duration')}
        description={t('command.durationNone')}
      />
    </Stack>
  );
}

function FaultField({ draft, onChange, faults, wrong }: FieldsProps) {
  const { t } = useT();
  return (
    <Autocomplete
      label={t('command.code')}
      description={t('command.codeHint')}
      required
      data={faults}
      value={draft.code}
      error={wrong('code')}
      onChange={(code) => onChange({ code })}
    />
  );
}

function FileField({ draft, onChange, wrong }: FieldsProps) {
  const { t } = useT();
  const schedule = draft.kind === 'schedule';
  const read = async (file: File | null) => {
    if (file === null) onChange({ file: null });
    else if (file.size <= MOST_BYTES)
      onChange({ file: { name: file.name, text: await file.text() } });
    else onChange({ file: { name: `${file.name}: ${t('command.fileLarge')}`, text: '' } });
  };
  const bad = schedule && draft.file !== null && scheduleIn(draft) === null;
  return (
    <FileInput
      label={t(schedule ? 'command.file.schedule' : 'command.file.configuration')}
      placeholder={draft.file?.name ?? t('command.fileChoose')}
      required
      accept={schedule ? '.json,application/json' : '.yaml,.yml'}
      error={bad ? t('command.fileBad', { error: draft.file?.name ?? '' }) : wrong('file')}
      onChange={(file) => void read(file)}
    />
  );
}

function UpdateFields({ draft, onChange, wrong }: FieldsProps) {
  const { t } = useT();
  return (
    <Stack gap={12}>
      <TextInput
        label={t('command.url')}
        description={t('command.urlHint')}
        required
        maxLength={2000}
        value={draft.url}
        error={wrong('url')}
        onChange={(event) => onChange({ url: event.currentTarget.value })}
      />
      <TextInput
        label={t('command.sha')}
        description={t('command.shaHint')}
        classNames={{ input: 'code-input' }}
        required
        value={draft.sha256}
        error={wrong('sha')}
        onChange={(event) => onChange({ sha256: event.currentTarget.value })}
      />
      <TextInput
        label={t('command.version')}
        maxLength={64}
        value={draft.version}
        onChange={(event) => onChange({ version: event.currentTarget.value })}
      />
    </Stack>
  );
}
