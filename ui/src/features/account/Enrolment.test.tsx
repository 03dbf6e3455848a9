import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';

import { Enrolment } from './Enrolment.portal';

afterEach(() => vi.unstubAllGlobals());

it('goes from the password over a first code to the recovery codes', async () => {
  const bodies: unknown[] = [];
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    const body = JSON.parse(init.body as string) as Record<string, string>;
    bodies.push(body);
    if (url.endsWith('/me/second-factor'))
      return Promise.resolve(
        new Response(
          JSON.stringify({ secret: 'ABCDEFGH', uri: 'otpauth://totp/Sim?secret=ABCDEFGH' }),
        ),
      );
    const right = body.code === '123456';
    return Promise.resolve(
      right
        ? new Response(JSON.stringify({ codes: ['aaaa-bbbb', 'cccc-dddd'] }))
        : new Response(JSON.stringify({ title: 'Not signed in', detail: 'wrong code' }), {
            status: 401,
          }),
    );
  });
  const done = vi.fn();
  render(
    <QueryClientProvider client={new QueryClient()}>
      <MantineProvider>
        <Enrolment onDone={done} />
      </MantineProvider>
    </QueryClientProvider>,
  );
  const user = userEvent.setup();
  await user.type(screen.getByLabelText(/Current password/), 'battery');
  await user.click(screen.getByRole('button', { name: 'Continue' }));
  expect(await screen.findByText('ABCD EFGH')).toBeInTheDocument();
  expect(screen.getByRole('img', { name: /QR code/ })).toHaveAttribute(
    'src',
    expect.stringContaining('svg'),
  );
  await user.type(screen.getByLabelText(/Code that the application shows/), '000000');
  await user.click(screen.getByRole('button', { name: 'Confirm' }));
  expect(await screen.findByRole('alert')).toHaveTextContent('wrong code');
  await user.clear(screen.getByLabelText(/Code that the application shows/));
  await user.type(screen.getByLabelText(/Code that the application shows/), '123456');
  await user.click(screen.getByRole('button', { name: 'Confirm' }));
  expect(await screen.findByText('cccc-dddd')).toBeInTheDocument();
  expect(done).not.toHaveBeenCalled();
  await user.click(screen.getByRole('button', { name: 'I have kept them' }));
  expect(done).toHaveBeenCalledOnce();
  expect(bodies).toEqual([{ password: 'battery' }, { code: '000000' }, { code: '123456' }]);
});
