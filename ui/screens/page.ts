import { HMI_SCREENS } from '@/hmi/pages/screens';
import { PORTAL_ROUTES, type PortalScreen } from '@/portal/pages/routes';
import { PORTAL_SCREENS } from '@/portal/pages/screens';
import { en } from '@/shared/i18n/en';
import type { ScreenOutput, Screens, ScreenSpec } from '@/shared/screens/spec';

const HEAD = `# Screens

Made from \`ui/src/portal/pages/screens.ts\` and \`ui/src/hmi/pages/screens.ts\`; change it there, then run \`make types\`. The pictures are
of the running demonstration: \`make screen-pages\` takes them again and looks whether each screen asks for what it declares. Portal:
1440x900, served by the cloud. Site screen: 1024x600, served by the box, for touch; it needs neither cloud nor network.
`;

/** The document as it is kept in docs. */
export function page(): string {
  const lines = [
    HEAD,
    ...index('Portal', PORTAL_SCREENS),
    ...index('Site screen', HMI_SCREENS),
    ...sections('Portal', PORTAL_SCREENS, (id) => addressOf(id)),
    ...sections('Site screen', HMI_SCREENS, () => ''),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

const titled = (id: string, spec: ScreenSpec): string => `${id}: ${en[spec.title]}`;

/** As the site makes it of a heading. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-');

function index(application: string, screens: Screens): string[] {
  return [
    `| ${application} | for | who | changes |`,
    '|---|---|---|---|',
    ...Object.entries(screens).map(([id, spec]) => {
      const count = spec.outputs.length;
      const changes = ['nothing', '1 thing'][count] ?? `${String(count)} things`;
      return `| [${id}](#${anchor(titled(id, spec))}) | ${spec.purpose} | ${spec.seenBy} | ${changes} |`;
    }),
    '',
  ];
}

function addressOf(id: string): string {
  const { path } = PORTAL_ROUTES[id as PortalScreen];
  return path === null ? '' : `\`#${path}\``;
}

function sections(
  application: string,
  screens: Screens,
  address: (id: string) => string,
): string[] {
  return [
    `## ${application}`,
    '',
    ...Object.entries(screens).flatMap(([id, spec]) => section(id, spec, address(id))),
  ];
}

function section(id: string, spec: ScreenSpec, address: string): string[] {
  return [
    `### ${titled(id, spec)}`,
    '',
    spec.purpose,
    '',
    `![${titled(id, spec)}](images/screens/${spec.picture}.webp)`,
    '',
    ...(address === '' ? [] : [`- Address: ${address}`]),
    `- Owner: \`${spec.owner}\` (\`${spec.component}\`)`,
    `- Seen by: ${spec.seenBy}`,
    `- Safety impact: ${spec.safetyImpact}`,
    `- Fallback: ${spec.fallback}`,
    `- Loading: ${spec.states.loading}`,
    `- Empty: ${spec.states.empty}`,
    `- Error: ${spec.states.error}`,
    `- Stale or offline: ${spec.states.stale}`,
    '',
    ...reads(spec),
    ...changes(spec.outputs),
    ...settings(spec),
    'Acceptance:',
    '',
    ...spec.acceptance.map((line) => `- ${line}`),
    '',
    `Tests: ${spec.tests.map((path) => `\`${path}\``).join(', ')}`,
    '',
  ];
}

function reads({ inputs, live }: ScreenSpec): string[] {
  if (inputs.length === 0) return ['It reads nothing from its server.', ''];
  const followed = live.map((message) => `| live stream \`${message}\` | as it changes | always |`);
  return [
    '| reads | what | when |',
    '|---|---|---|',
    ...inputs.map(({ from, what, when }) => `| \`${from}\` | ${what} | ${when ?? 'always'} |`),
    ...followed,
    '',
  ];
}

function changes(outputs: readonly ScreenOutput[]): string[] {
  if (outputs.length === 0) return ['It changes nothing; it leaves no entry in a log.', ''];
  return [
    '| changes | what | asked before | who may | logged as |',
    '|---|---|---|---|---|',
    ...outputs.map(({ to, what, confirmation, permission, logs }) => {
      const entries = logs.map((code) => `\`${code}\``).join(', ');
      return `| \`${to}\` | ${what} | ${confirmation} | ${permission} | ${entries} |`;
    }),
    '',
  ];
}

function settings({ settings: all }: ScreenSpec): string[] {
  if (all.length === 0) return ['Nothing can be set on it.', ''];
  return [
    '| setting | unit | values | kept |',
    '|---|---|---|---|',
    ...all.map(({ name, unit, values, kept }) => `| ${name} | ${unit} | ${values} | ${kept} |`),
    '',
  ];
}
