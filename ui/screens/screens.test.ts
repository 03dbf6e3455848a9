import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { HMI_PAGES, SYSTEM_TABS } from '@/hmi/pages/routes';
import { HMI_SCREENS } from '@/hmi/pages/screens';
import { PORTAL_ROUTES, portalRoutes } from '@/portal/pages/routes';
import { PORTAL_SCREENS } from '@/portal/pages/screens';
import { gaps, type Screens, type ScreenSpec } from '@/shared/screens/spec';

import { page } from './page';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface OpenApi {
  paths: Record<string, Record<string, unknown>>;
}

const operations = (file: string): Set<string> => {
  const { paths } = JSON.parse(read(file)) as OpenApi;
  return new Set(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    ),
  );
};

/** The text of every Python file below a folder. */
function sources(folder: string): string {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.py'))
    .map((path) => read(join(folder, path)))
    .join('\n');
}

const CLOUD = sources('cloud/simems_cloud');
const EDGE = sources('edge/simems_edge');
const PERMISSIONS = read('cloud/simems_cloud/access/permissions.py');

const APPLICATIONS: [string, Screens, Set<string>][] = [
  ['portal', PORTAL_SCREENS, operations('docs/cloud-openapi.json')],
  ['hmi', HMI_SCREENS, operations('docs/edge-openapi.json')],
];
const every = APPLICATIONS.flatMap(([application, screens, api]) =>
  Object.entries(screens).map(
    ([id, spec]) => [`${application} ${id}`, spec, api] as [string, ScreenSpec, Set<string>],
  ),
);

describe.each(every)('%s', (_, spec, api) => {
  it('leaves nothing open', () => {
    expect(gaps(spec)).toEqual([]);
    for (const output of spec.outputs) {
      expect(Object.values(output), output.to).not.toContain('');
      expect(output.logs, output.to).not.toEqual([]);
    }
  });
  it('names rooms, tests and a picture that are there', () => {
    const named = [join(spec.owner, spec.component), ...spec.tests];
    named.push(`docs/images/screens/${spec.picture}.webp`);
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
  it('uses operations that its server has, each once', () => {
    const used = [...spec.inputs.map(({ from }) => from), ...spec.outputs.map(({ to }) => to)];
    expect(used.filter((operation) => !api.has(operation))).toEqual([]);
    expect(used).toEqual([...new Set(used)]);
  });
  it('names log entries that are written, and permissions that are checked', () => {
    const both = CLOUD + EDGE;
    for (const { logs, permission } of spec.outputs) {
      expect(logs.filter((code) => !isWritten(code, both))).toEqual([]);
      for (const [name] of permission.matchAll(/\w+:\w+/g))
        expect(PERMISSIONS).toContain(`"${name}"`);
    }
    for (const [name] of spec.seenBy.matchAll(/\w+:\w+/g))
      expect(PERMISSIONS).toContain(`"${name}"`);
  });
});

/** As a whole, or put together of a domain and what became of it. */
function isWritten(code: string, text: string): boolean {
  const domain = code.split('.')[0] ?? '';
  return text.includes(`"${code}"`) || text.includes(`f"${domain}.{`);
}

it('has no page that is not declared, and no component of a page that nobody shows', () => {
  const shown = Object.values(PORTAL_SCREENS)
    .filter(({ owner }) => owner === 'ui/src/portal/pages')
    .map(({ component }) => component);
  const pages = readdirSync(join(ROOT, 'ui/src/portal/pages')).filter((name) =>
    name.endsWith('Page.tsx'),
  );
  expect(new Set(shown)).toEqual(new Set(pages));
  expect(Object.keys(PORTAL_SCREENS).sort()).toEqual(Object.keys(PORTAL_ROUTES).sort());
  const expected = [...HMI_PAGES, ...SYSTEM_TABS.map((tab) => `system.${tab}`), 'pin'];
  expect(Object.keys(HMI_SCREENS).sort()).toEqual(expected.sort());
});

it('routes only by the table: no application has a path of its own', () => {
  for (const name of ['App.tsx', 'Shell.tsx'])
    expect(read(`ui/src/portal/${name}`)).not.toMatch(/(path|href)="(?!#)/);
  const paths = portalRoutes().flatMap(([, { path }]) => path ?? []);
  expect(paths).toEqual([...new Set(paths)]);
  for (const [, { path, nav }] of portalRoutes())
    if (nav !== undefined) expect(nav.current(path ?? ''), path ?? '').toBe(true);
});

it('asks for the permission that the screen declares', () => {
  for (const [id, { nav }] of portalRoutes())
    if (nav?.permission !== undefined) expect(PORTAL_SCREENS[id].seenBy).toContain(nav.permission);
});

it('keeps the page about the screens up to date', () => {
  expect(read('docs/screens.md'), 'run `make types`').toBe(page());
});
