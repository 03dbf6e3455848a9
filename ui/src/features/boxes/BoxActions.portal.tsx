import { ActionIcon, Button, Menu } from '@mantine/core';

import { useT } from '@/shared/i18n/useT';

import type { BoxRow } from './boxes';

export type Verb = 'review' | 'withdraw' | 'replace' | 'revoke';

/** What can be done with a row; what is over has nothing. */
export function BoxActions({ row, onVerb }: { row: BoxRow; onVerb: (verb: Verb) => void }) {
  const { t } = useT();
  if (row.state === 'presented') {
    return (
      <Button size="compact-sm" onClick={() => onVerb('review')}>
        {t('boxes.review')}
      </Button>
    );
  }
  const verbs = verbsOf(row);
  if (verbs.length === 0) return null;
  return (
    <Menu position="bottom-end" width={200}>
      <Menu.Target>
        <ActionIcon variant="default" size={30} aria-label={t('boxes.actions', { name: row.name })}>
          <span aria-hidden="true">⋯</span>
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {verbs.map((verb) => (
          <Menu.Item key={verb} onClick={() => onVerb(verb)}>
            {t(`boxes.${verb}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function verbsOf(row: BoxRow): Verb[] {
  switch (row.state) {
    case 'active':
      return ['replace', 'revoke'];
    case 'open':
      return ['review', 'withdraw'];
    case 'expired':
    case 'refused':
      return ['withdraw'];
    default:
      return [];
  }
}
