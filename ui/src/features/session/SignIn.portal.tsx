import { Alert, Button, Paper, PasswordInput, Stack, TextInput, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent, type ReactNode } from 'react';

import { useT } from '@/shared/i18n/useT';

import { requestToken } from './requests';
import { signInError } from './signInError';
import { useSession } from './store';

/** `tools`: language and theme, so that they can be chosen before signing in. */
export function SignIn({ tools }: { tools: ReactNode }) {
  const { t } = useT();
  const { signIn, ended } = useSession();
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const attempt = useMutation({
    mutationFn: () => requestToken(username.trim(), password),
    onSuccess: signIn,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    attempt.mutate();
  };
  return (
    <main className="sign-in">
      <Paper className="sign-in-card" p={32} radius="md" withBorder>
        <form onSubmit={submit}>
          <Stack gap={16}>
            <div>
              <Title order={1} size={28}>
                Sim EMS
              </Title>
              <p className="dim">{t('signIn.lead')}</p>
            </div>
            {ended && !attempt.isError && <Alert color="blue">{t('signIn.ended')}</Alert>}
            {attempt.isError && (
              <Alert color="red" role="alert">
                {signInError(attempt.error, t)}
              </Alert>
            )}
            <TextInput
              label={t('signIn.user')}
              name="username"
              autoComplete="username"
              required
              value={username}
              onChange={(event) => setUsername(event.currentTarget.value)}
            />
            <PasswordInput
              label={t('signIn.password')}
              name="password"
              autoComplete="current-password"
              required
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
              visibilityToggleButtonProps={{ 'aria-label': t('signIn.show') }}
            />
            <Button type="submit" loading={attempt.isPending} fullWidth>
              {t('signIn.submit')}
            </Button>
          </Stack>
        </form>
      </Paper>
      <div className="sign-in-tools">{tools}</div>
    </main>
  );
}
