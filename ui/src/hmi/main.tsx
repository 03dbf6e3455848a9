import '@/shared/theme/tokens.css';
import './hmi.css';

import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { setAccess } from '@/shared/api/client';
import { usePin } from '@/shared/pin/store';

import { App } from './App';

setAccess({
  token: () => Promise.resolve(usePin.getState().token),
  refused: () => {
    usePin.getState().lock();
    return Promise.resolve(false);
  },
});

/** The box itself answers: no waiting for a network that is not there. */
const queries = new QueryClient({
  defaultOptions: {
    queries: { networkMode: 'always', retry: 1 },
    mutations: { networkMode: 'always' },
  },
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
