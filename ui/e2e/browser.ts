import { existsSync } from 'node:fs';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where Chromium is, or null. `SIMEMS_CHROMIUM` names another place. */
export const chromiumPath: string | null =
  [process.env.SIMEMS_CHROMIUM, ...PLACES].find((path) => path !== undefined && existsSync(path)) ??
  null;

export const NO_CHROMIUM = `SKIPPED: no Chromium (looked for ${PLACES.join(', ')}). Install the package "chromium" or set SIMEMS_CHROMIUM.`;

/** Real servers when they are named, else the made-up ones that the configuration starts. */
export const PORTAL_URL = process.env.SIMEMS_PORTAL_URL ?? 'http://127.0.0.1:8101';
export const HMI_URL = process.env.SIMEMS_HMI_URL ?? 'http://127.0.0.1:8181';
export const USER = process.env.SIMEMS_USER ?? 'demo@example.com';
export const PASSWORD = process.env.SIMEMS_PASSWORD ?? 'demo';
export const PIN = process.env.SIMEMS_PIN ?? '4711';
export const needsMock =
  process.env.SIMEMS_PORTAL_URL === undefined || process.env.SIMEMS_HMI_URL === undefined;
