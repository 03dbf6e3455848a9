import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { vi } from 'vitest';

/** By path below /api/v1, without its query: what the server answers, or the status that it refuses with. */
export type Answers = Record<string, unknown>;

/** Shows something whose server answers so; returns the client, to ask again, and the calls that were made. */
export function renderServed(node: ReactNode, answers: Answers) {
  const calls: string[] = [];
  vi.stubGlobal('fetch', (url: string, init?: RequestInit) => {
    const path = url.replace('/api/v1', '').replace(/\?.*/, '');
    calls.push(`${init?.method ?? 'GET'} ${path}`);
    const answer = answers[path];
    const refused = typeof answer === 'number';
    return Promise.resolve(
      refused
        ? Response.json({ title: 'Refused', detail: 'the disk is full' }, { status: answer })
        : Response.json(answer ?? null),
    );
  });
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(<QueryClientProvider client={client}>{node}</QueryClientProvider>);
  return { client, calls };
}
