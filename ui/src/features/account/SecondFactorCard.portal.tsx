import { Button, Card, Group, Text, Title } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { useT } from '@/shared/i18n/useT';

import { Enrolment, Password } from './Enrolment.portal';
import { useRemoveSecondFactor } from './requests';

/** `on`: whether one is in force. */
export function SecondFactorCard({ on }: { on: boolean }) {
  const { t } = useT();
  const client = useQueryClient();
  const [doing, setDoing] = useState<'enrol' | 'remove' | null>(null);
  const removal = useRemoveSecondFactor();
  const done = () => {
    setDoing(null);
    void client.invalidateQueries({ queryKey: ['me'] });
  };
  return (
    <Card>
      <Title order={2} size={16} mb={4}>
        {t('account.second')}
      </Title>
      {doing === null && (
        <Text c="dimmed" size="sm">
          {t(on ? 'account.secondOn' : 'account.secondOff')}
        </Text>
      )}
      {doing === 'enrol' && <Enrolment onDone={done} />}
      {doing === 'remove' && (
        <Password
          change={removal}
          onPassword={(text) => removal.mutate(text, { onSuccess: () => setDoing(null) })}
        />
      )}
      {doing === null && (
        <Group mt={12}>
          <Button variant={on ? 'default' : 'filled'} onClick={() => setDoing('enrol')}>
            {t(on ? 'account.renew' : 'account.enrol')}
          </Button>
          {on && (
            <Button variant="default" onClick={() => setDoing('remove')}>
              {t('account.remove')}
            </Button>
          )}
        </Group>
      )}
    </Card>
  );
}
