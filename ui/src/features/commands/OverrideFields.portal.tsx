import {
  Autocomplete,
  Checkbox,
  Group,
  NumberInput,
  SegmentedControl,
  TextInput,
} from '@mantine/core';

import { useT } from '@/shared/i18n/useT';

import type { BatteryAction, Draft } from './draft';
import type { FieldsProps } from './fields';
import { unitOf } from './sentence';

const ACTIONS: readonly BatteryAction[] = ['charge', 'hold', 'discharge'];

/** What to set, to what, for how long and why. */
export function OverrideFields(props: FieldsProps) {
  const { t } = useT();
  const { draft, onChange, targets, wrong } = props;
  return (
    <>
      <Autocomplete
        label={t('command.target')}
        required
        data={targets}
        value={draft.target}
        error={wrong('target')}
        onChange={(target) => onChange({ target })}
      />
      <Checkbox
        label={t('command.override.clear')}
        checked={draft.clear}
        onChange={(event) => onChange({ clear: event.currentTarget.checked })}
      />
      {!draft.clear && <Wanted {...props} />}
    </>
  );
}

function Wanted({ draft, battery, onChange, wrong }: FieldsProps) {
  const { t } = useT();
  return (
    <>
      {battery && (
        <SegmentedControl
          aria-label={t('command.action')}
          value={draft.action}
          onChange={(action) => onChange({ action: action as BatteryAction })}
          data={ACTIONS.map((action) => ({
            value: action,
            label: t(`command.override.${action}`),
          }))}
        />
      )}
      <Group grow align="flex-start" gap={12}>
        {!(battery && draft.action === 'hold') && (
          <NumberInput
            label={battery ? t('command.power') : t('command.override.value')}
            required
            suffix={battery ? ' kW' : unitSuffix(draft.target)}
            {...(battery && { min: 0 })}
            value={draft.value}
            error={wrong('value')}
            onChange={(value) => onChange({ value: numberOf(value) })}
          />
        )}
        <Minutes draft={draft} onChange={onChange} error={wrong('duration')} />
      </Group>
      <TextInput
        label={t('command.reason')}
        description={t('command.reasonHint')}
        required
        maxLength={200}
        value={draft.reason}
        error={wrong('reason')}
        onChange={(event) => onChange({ reason: event.currentTarget.value })}
      />
      <Checkbox
        label={t('command.override.outlasts')}
        checked={draft.outlasts_restart}
        onChange={(event) => onChange({ outlasts_restart: event.currentTarget.checked })}
      />
    </>
  );
}

interface MinutesProps {
  draft: Draft;
  onChange: FieldsProps['onChange'];
  error: string | undefined;
  description?: string;
}

export function Minutes({ draft, onChange, error, description }: MinutesProps) {
  const { t } = useT();
  return (
    <NumberInput
      label={t('command.duration')}
      {...(description !== undefined && { description })}
      required
      suffix={` ${t('command.durationMin')}`}
      min={0}
      max={1440}
      value={draft.duration_min}
      error={error}
      onChange={(value) => onChange({ duration_min: numberOf(value) })}
    />
  );
}

const unitSuffix = (target: string): string => {
  const unit = unitOf(target);
  return unit === '' ? '' : ` ${unit}`;
};

const numberOf = (value: string | number): number | '' =>
  typeof value === 'number'
    ? value
    : value === '' || Number.isNaN(Number(value))
      ? ''
      : Number(value);
