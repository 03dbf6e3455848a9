import { fileURLToPath } from 'node:url';

import { defineConfig } from '@playwright/test';

import { chromiumPath, HMI_URL, needsMock, NO_CHROMIUM } from './browser';

if (chromiumPath === null) console.warn(NO_CHROMIUM);

const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export default defineConfig({
  testDir: '.',
  outputDir: '../test-results',
  reporter: 'list',
  timeout: 90_000,
  workers: 1,
  use: {
    locale: 'en-GB',
    timezoneId: 'Europe/Stockholm',
    screenshot: 'only-on-failure',
    launchOptions: {
      args: QUIET,
      ...(chromiumPath !== null && { executablePath: chromiumPath }),
    },
  },
  ...(needsMock && {
    webServer: {
      command: 'npx tsx mock/main.ts',
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: { SIMEMS_MOCK_PORTAL_PORT: '8101', SIMEMS_MOCK_HMI_PORT: '8181' },
      url: process.env.SIMEMS_HMI_URL === undefined ? HMI_URL : 'http://127.0.0.1:8181',
      reuseExistingServer: false,
    },
  }),
});
