import { ActionIcon, Group, Menu, SegmentedControl, UnstyledButton } from '@mantine/core';
import { Link } from 'wouter';

import { leave, useMe } from '@/features/session/requests';
import { useT } from '@/shared/i18n/useT';
import { usePreferences, type Language } from '@/shared/preferences/store';
import { useTheme } from '@/shared/theme/useTheme';

export function LanguageAndTheme() {
  const { t, language } = useT();
  const { setLanguage, setTheme } = usePreferences();
  const theme = useTheme();
  return (
    <Group gap={8} wrap="nowrap">
      <SegmentedControl
        size="xs"
        aria-label={t('tools.language')}
        value={language}
        onChange={(value) => setLanguage(value as Language)}
        data={[
          { value: 'en', label: 'EN' },
          { value: 'sv', label: 'SV' },
        ]}
      />
      <ActionIcon
        variant="default"
        size={30}
        aria-label={theme === 'dark' ? t('tools.light') : t('tools.dark')}
        onClick={() => setTheme(theme === 'dark' ? 'light' : 'dark')}
      >
        <span aria-hidden="true">{theme === 'dark' ? '☀' : '☾'}</span>
      </ActionIcon>
    </Group>
  );
}

export function UserMenu() {
  const { t } = useT();
  const me = useMe();
  const name = [me.data?.name, me.data?.email].find(Boolean) ?? '';
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <UnstyledButton className="user" aria-label={t('tools.user', { name })}>
          {initials(name)}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {me.data !== undefined && (
          <Menu.Label>
            <strong>{me.data.name}</strong>
            <br />
            {me.data.email}
            <br />
            {me.data.role} · {me.data.tenant.name}
          </Menu.Label>
        )}
        <Menu.Item component={Link} href="/account">
          {t('account.title')}
        </Menu.Item>
        <Menu.Item onClick={() => void leave()}>{t('tools.signOut')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function initials(name: string): string {
  const words = name.split(/[\s@.]+/).filter((word) => word !== '');
  return words
    .slice(0, 2)
    .map((word) => word.charAt(0).toUpperCase())
    .join('');
}
