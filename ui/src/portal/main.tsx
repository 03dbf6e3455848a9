import './mantine';
import '@/shared/theme/tokens.css';
import './portal.css';

import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { watchForCopies } from '@/features/session/copies';
import { currentToken, refused } from '@/features/session/renewal';
import { useSession } from '@/features/session/store';
import { setAccess } from '@/shared/api/client';
import { ApiError } from '@/shared/api/problem';

import { App } from './App';

setAccess({ token: currentToken, refused });
watchForCopies();

/** What the server refuses on purpose is not asked again. */
const worthRetrying = (failures: number, error: unknown): boolean =>
  failures < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500);

const queries = new QueryClient({ defaultOptions: { queries: { retry: worthRetrying } } });
useSession.subscribe((state, before) => {
  if (state.token === null && before.token !== null) queries.clear();
});

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
