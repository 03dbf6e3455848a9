import { Anchor, Card, Text } from '@mantine/core';
import { Link } from 'wouter';

import { useT } from '@/shared/i18n/useT';

import { PageHeader } from './PageHeader';

export function NotFoundPage() {
  const { t } = useT();
  return (
    <>
      <PageHeader title={t('notFound.title')} />
      <Card>
        <Text mb={8}>{t('notFound.text')}</Text>
        <Anchor component={Link} href="/" underline="always" c="var(--accent)">
          {t('notFound.back')}
        </Anchor>
      </Card>
    </>
  );
}
