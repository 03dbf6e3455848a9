import { Alert, Button, Card, Group, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useState, type FormEvent } from 'react';

import { useT } from '@/shared/i18n/useT';
import { ErrorText } from '@/shared/parts/ErrorText';

import { useChangePassword } from './requests';

export function PasswordCard() {
  const { t } = useT();
  const [password, setPassword] = useState('');
  const [wanted, setWanted] = useState('');
  const change = useChangePassword();
  const send = (event: FormEvent) => {
    event.preventDefault();
    const clear = () => {
      setPassword('');
      setWanted('');
    };
    change.mutate({ password, new_password: wanted }, { onSuccess: clear });
  };
  const field = (label: string, complete: string, value: string, set: (text: string) => void) => (
    <PasswordInput
      label={label}
      autoComplete={complete}
      required
      value={value}
      onChange={(event) => set(event.currentTarget.value)}
      visibilityToggleButtonProps={{ 'aria-label': t('signIn.show') }}
    />
  );
  return (
    <Card>
      <Title order={2} size={16}>
        {t('account.changePassword')}
      </Title>
      <Text c="dimmed" size="sm" mb={12}>
        {t('account.othersEnd')}
      </Text>
      <form onSubmit={send}>
        <Stack gap={12} maw={360}>
          {field(t('account.password'), 'current-password', password, setPassword)}
          {field(t('account.newPassword'), 'new-password', wanted, setWanted)}
          {change.isError && (
            <Alert color="red" role="alert">
              <ErrorText error={change.error} />
            </Alert>
          )}
          {change.isSuccess && <Text role="status">{t('account.changed')}</Text>}
          <Group>
            <Button type="submit" loading={change.isPending}>
              {t('account.changePassword')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}
