import { Group, Title } from '@mantine/core';
import type { ReactNode } from 'react';

import { LanguageAndTheme, UserMenu } from '../Tools';

export function PageHeader({ title, children }: { title: ReactNode; children?: ReactNode }) {
  return (
    <header className="page-header">
      <Title order={1} size={20} className="page-name">
        {title}
      </Title>
      {children}
      <Group gap={12} ml="auto" wrap="nowrap">
        <LanguageAndTheme />
        <UserMenu />
      </Group>
    </header>
  );
}
