import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const { version } = JSON.parse(readFileSync(here('package.json'), 'utf8')) as { version: string };

/** One project, two apps: `--mode portal` (served by the cloud) and `--mode hmi` (served by the edge). */
export default defineConfig(({ mode }) => {
  const app = mode === 'hmi' ? 'hmi' : 'portal';
  const server = mode === 'hmi' ? 'SIMEMS_HMI_URL' : 'SIMEMS_PORTAL_URL';
  const target =
    process.env[server] ?? (app === 'hmi' ? 'http://127.0.0.1:8080' : 'http://127.0.0.1:8000');
  return {
    root: mode === 'test' ? here('.') : here(`src/${app}`),
    base: './',
    define: { __VERSION__: JSON.stringify(version) },
    plugins: [react()],
    resolve: { alias: { '@': here('src') } },
    css: { postcss: here('.') },
    server: { proxy: { '/api': { target, ws: true }, '/healthz': target } },
    build: {
      outDir: here(`dist/${app}`),
      emptyOutDir: true,
      target: 'es2022',
      chunkSizeWarningLimit: 700,
    },
    test: {
      environment: 'jsdom',
      globals: true,
      setupFiles: [here('src/shared/testing/setup.ts')],
      include: ['src/**/*.test.{ts,tsx}', 'mock/**/*.test.ts', 'screens/**/*.test.ts'],
      restoreMocks: true,
    },
  };
});
