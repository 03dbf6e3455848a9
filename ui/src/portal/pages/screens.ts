import type { ScreenInput, ScreenOutput, ScreenSetting, ScreenSpec } from '@/shared/screens/spec';

import type { PortalScreen } from './routes';
import { COMMAND_OUTPUTS, DEVICE_OUTPUTS } from './screenOutputs';

const PAGES = 'ui/src/portal/pages';
const NOTHING = 'None: it changes nothing on a site.';
const ME: ScreenInput = { from: 'GET /api/v1/me', what: 'who is signed in, and what they may' };
const SITES: ScreenInput = {
  from: 'GET /api/v1/sites',
  what: 'sites with state, power and last contact',
};
const LIST = {
  loading: 'Rows as grey bars.',
  error: 'What failed, an id to quote, and Try again; what was known stays below.',
};
const OFF =
  'Nothing but the sign-in answers without the cloud. Sites are controlled on site and go on; what was shown stays, under the error.';
const VIEW: readonly ScreenSetting[] = [
  { name: 'language', unit: '', values: 'English or Swedish', kept: 'in this browser' },
  {
    name: 'theme',
    unit: '',
    values: 'light or dark; until chosen as the system',
    kept: 'in this browser',
  },
];
const SIGN_OUT: ScreenOutput = {
  to: 'POST /api/v1/auth/sign-out',
  what: 'ends this session',
  confirmation: 'None: it is signed in again at once.',
  permission: 'own account',
  logs: ['session.revoke'],
};
const ACKNOWLEDGE: ScreenOutput = {
  to: 'POST /api/v1/alarms/{alarm_id}/acknowledge',
  what: 'says that somebody has seen the alarm',
  confirmation: 'None: it moves no power and hides nothing.',
  permission: 'alarms:acknowledge',
  logs: ['alarm.acknowledge'],
};
const BROWSER = 'ui/e2e/portal.spec.ts';
const INPUTS = 'ui/e2e/screens.spec.ts';
const ISOLATION = 'cloud/tests/access/test_routes.py';

/** What every screen of the portal declares; `docs/screens.md` is made from it. */
export const PORTAL_SCREENS: Record<PortalScreen, ScreenSpec> = {
  signIn: {
    title: 'signIn.submit',
    purpose: 'Lets a person in: e-mail, password and, where there is one, a second factor.',
    owner: 'ui/src/features/session',
    component: 'SignIn.portal.tsx',
    seenBy: 'everybody',
    safetyImpact: NOTHING,
    inputs: [],
    live: [],
    outputs: [
      {
        to: 'POST /api/v1/auth/token',
        what: 'opens a session, for as long as the browser tab',
        confirmation: 'Password, and a code of the second factor where it is in force.',
        permission: 'nobody: it is how one becomes somebody',
        logs: ['session.open', 'session.refuse'],
      },
    ],
    settings: VIEW,
    states: {
      loading: 'The button turns while the answer is awaited.',
      empty: 'Cannot be: the fields are what there is.',
      error: 'Wrong password, wrong code, locked for how long, no server: each in words.',
      stale: 'A session that the server ended is said, above the fields.',
    },
    fallback: 'Nobody gets in while the cloud is away; the screen at the site needs none.',
    acceptance: [
      'a wrong password is said and never which part was wrong',
      'a lock-out says how long it lasts',
      'the session ends with the tab, and a copied tab does not renew it',
    ],
    tests: [
      BROWSER,
      INPUTS,
      'ui/src/features/session/signInError.test.ts',
      'ui/src/features/session/copies.test.ts',
      'ui/src/features/session/renewal.test.ts',
      'cloud/tests/identity/test_sessions.py',
    ],
    picture: 'portal-sign-in',
  },
  sites: {
    title: 'nav.sites',
    purpose: 'All sites at a glance: which one needs somebody.',
    owner: PAGES,
    component: 'SitesPage.tsx',
    seenBy: 'sites:read; each person the sites that their roles reach',
    safetyImpact: NOTHING,
    inputs: [ME, SITES],
    live: [],
    outputs: [SIGN_OUT],
    settings: [
      ...VIEW,
      {
        name: 'order of the rows',
        unit: '',
        values: 'any column, either way',
        kept: 'while the screen is open',
      },
    ],
    states: {
      ...LIST,
      empty: 'What will be here, and how a site comes to be.',
      stale: 'A site that is silent is grey, with the age of its last values.',
    },
    fallback: OFF,
    acceptance: [
      'a site that is silent or has alarms stands above the others',
      'no site of another tenant, or outside the roles of the person',
    ],
    tests: [BROWSER, INPUTS, 'ui/src/features/fleet/SitesTable.test.tsx', ISOLATION],
    picture: 'portal-sites',
  },
  site: {
    title: 'nav.sites',
    purpose: 'One site: what flows and why, the day so far, history, alarms, commands, devices.',
    owner: PAGES,
    component: 'SitePage.tsx',
    seenBy: 'sites:read for the site; values telemetry:read, commands commands:read',
    safetyImpact:
      'Sends commands to a site. Guards at the site hold whatever is asked; an override ends by itself.',
    inputs: [
      ME,
      SITES,
      { from: 'GET /api/v1/sites/{site_id}', what: 'the site, its components and channels' },
      { from: 'GET /api/v1/sites/{site_id}/latest', what: 'newest values, state, the reason' },
      { from: 'GET /api/v1/sites/{site_id}/summary', what: 'energy and peak of the day' },
      { from: 'GET /api/v1/sites/{site_id}/history', what: 'power and state of charge over time' },
      {
        from: 'GET /api/v1/sites/{site_id}/alarms',
        what: 'alarms that stand and of the last days',
      },
      { from: 'GET /api/v1/sites/{site_id}/commands', what: 'the newest commands' },
      {
        from: 'GET /api/v1/sites/{site_id}/channels',
        what: 'what can be set',
        when: 'a command is put together',
      },
    ],
    live: ['latest', 'alarms'],
    outputs: [ACKNOWLEDGE, ...COMMAND_OUTPUTS, SIGN_OUT],
    settings: [
      ...VIEW,
      {
        name: 'span of the history',
        unit: '',
        values: 'day, week or month; any past one',
        kept: 'while the screen is open',
      },
      {
        name: 'filter and order of the channels',
        unit: '',
        values: 'part of a name; any column',
        kept: 'while the screen is open',
      },
    ],
    states: {
      loading: 'Skeleton of the page, then of each card.',
      empty: 'No values yet, nothing recorded, no alarms, no commands: each in words.',
      error: 'Each card for itself: what failed, and Try again; what was known stays.',
      stale:
        'Mark with age, grey flows that stand, ages in the reason, channels told as stale; a banner with the last contact when the site or the server is away.',
    },
    fallback: OFF,
    acceptance: [
      'values change live within a second of the site',
      'what is old is never shown as if it were new',
      'the reason comes from the API and names winner and bound',
      'a command says in watts and time what it will do before it is sent',
    ],
    tests: [
      BROWSER,
      INPUTS,
      'ui/e2e/commands.spec.ts',
      'ui/src/features/flow/FlowDiagram.test.tsx',
      'ui/src/features/why/WhyLine.test.tsx',
      'ui/src/features/devices/devices.test.tsx',
      'ui/src/features/summary/TodayCards.test.tsx',
      'ui/src/features/alarms/AlarmList.test.tsx',
      'ui/src/shared/live/freshness.test.ts',
      'tests/system/test_load.py',
    ],
    picture: 'portal-site',
  },
  alarms: {
    title: 'nav.alarms',
    purpose: 'Alarms of all sites, with cause, effect and remedy.',
    owner: PAGES,
    component: 'AlarmsPage.tsx',
    seenBy: 'alarms:read',
    safetyImpact: 'None on sites: to acknowledge an alarm does not clear its cause.',
    inputs: [ME, SITES, { from: 'GET /api/v1/alarms', what: 'alarms of every site' }],
    live: [],
    outputs: [ACKNOWLEDGE, SIGN_OUT],
    settings: VIEW,
    states: {
      ...LIST,
      empty: 'No alarms, and where new ones appear.',
      stale: 'Asked for every 5 s; an answer that fails is told above what was known.',
    },
    fallback: OFF,
    acceptance: [
      'standing before cleared, unseen before seen, severe before mild',
      'what was known stays when the server fails',
      'who may not acknowledge is not offered to',
      'when there are more than fit, their number is said',
    ],
    tests: [
      INPUTS,
      'ui/src/features/alarms/AlarmList.test.tsx',
      'ui/src/features/alarms/order.test.ts',
      'cloud/tests/alarms/test_alarms.py',
      ISOLATION,
    ],
    picture: 'portal-alarms',
  },
  devices: {
    title: 'boxes.title',
    purpose: 'The boxes of a tenant: let in, replaced, shut out.',
    owner: PAGES,
    component: 'DevicesPage.tsx',
    seenBy: 'devices:read',
    safetyImpact:
      'A box that is shut out goes on controlling its site, but nobody sees or commands it any more.',
    inputs: [
      ME,
      SITES,
      { from: 'GET /api/v1/devices', what: 'boxes, and when each was last heard' },
      { from: 'GET /api/v1/device-claims', what: 'codes that were entered, and how far each is' },
    ],
    live: [],
    outputs: [...DEVICE_OUTPUTS, SIGN_OUT],
    settings: VIEW,
    states: {
      ...LIST,
      empty: 'No box yet, and the way to the first.',
      stale: 'Each row says when its box was last heard.',
    },
    fallback: OFF,
    acceptance: [
      'no box is let in without a person who compared its fingerprint',
      'before one is shut out it is said what ends, what goes on and what stays',
    ],
    tests: [
      INPUTS,
      'ui/e2e/commands.spec.ts',
      'ui/src/features/boxes/ClaimProgress.test.tsx',
      'ui/src/features/boxes/boxes.test.ts',
      'ui/src/features/boxes/code.test.ts',
    ],
    picture: 'portal-devices',
  },
  commands: {
    title: 'command.title',
    purpose: 'What was sent to sites, by whom, and what became of it; to many sites at once.',
    owner: PAGES,
    component: 'CommandsPage.tsx',
    seenBy: 'commands:read',
    safetyImpact:
      'Sends commands to many sites. Guards at each site hold whatever is asked; an override ends by itself.',
    inputs: [
      ME,
      SITES,
      { from: 'GET /api/v1/commands', what: 'commands of every site, newest first' },
      { from: 'GET /api/v1/alarms', what: 'faults that could be cleared' },
      {
        from: 'GET /api/v1/command-batches/{batch_id}',
        what: 'the result of each site',
        when: 'a command to many is looked at',
      },
      {
        from: 'GET /api/v1/commands/{command_id}/result',
        what: 'a file that the box sent',
        when: 'it is fetched',
      },
    ],
    live: [],
    outputs: [...COMMAND_OUTPUTS, SIGN_OUT],
    settings: [
      ...VIEW,
      {
        name: 'filter and search',
        unit: '',
        values: 'state; part of a site, a person or a reason',
        kept: 'while the screen is open',
      },
    ],
    states: {
      ...LIST,
      empty: 'Nothing was sent yet, or nothing fits the filter.',
      stale: 'While a command is under way it is asked for every 2 s; each state has its time.',
    },
    fallback: OFF,
    acceptance: [
      'the same intention sent twice is done once',
      'a result for each site, also of those that did not answer',
      'what the box refused is shown with its reason',
    ],
    tests: [
      INPUTS,
      'ui/e2e/commands.spec.ts',
      'ui/src/features/commands/draft.test.ts',
      'ui/src/features/commands/sentence.test.ts',
      'cloud/tests/commands/test_list.py',
    ],
    picture: 'portal-commands',
  },
  siteCommands: {
    title: 'command.title',
    purpose: 'The commands of one site, all of them, with search and filter.',
    owner: PAGES,
    component: 'CommandsPage.tsx',
    seenBy: 'commands:read for the site',
    safetyImpact:
      'Sends commands to the site. Guards there hold whatever is asked; an override ends by itself.',
    inputs: [
      ME,
      SITES,
      { from: 'GET /api/v1/sites/{site_id}/commands', what: 'its commands, newest first' },
      { from: 'GET /api/v1/sites/{site_id}/alarms', what: 'faults that could be cleared' },
      {
        from: 'GET /api/v1/sites/{site_id}',
        what: 'its components',
        when: 'a command is put together',
      },
      {
        from: 'GET /api/v1/sites/{site_id}/channels',
        what: 'what can be set',
        when: 'a command is put together',
      },
      {
        from: 'GET /api/v1/commands/{command_id}/result',
        what: 'a file that the box sent',
        when: 'it is fetched',
      },
    ],
    live: [],
    outputs: [...COMMAND_OUTPUTS, SIGN_OUT],
    settings: [
      ...VIEW,
      {
        name: 'filter and search',
        unit: '',
        values: 'state; part of a person or a reason',
        kept: 'while the screen is open',
      },
    ],
    states: {
      ...LIST,
      empty: 'Nothing was sent yet, or nothing fits the filter.',
      stale: 'While a command is under way it is asked for every 2 s; each state has its time.',
    },
    fallback: OFF,
    acceptance: ['as for the commands of all sites, and no command of another site'],
    tests: [INPUTS, 'ui/e2e/commands.spec.ts', 'cloud/tests/commands/test_list.py'],
    picture: 'portal-site-commands',
  },
  account: {
    title: 'account.title',
    purpose: "One's own account: second factor, password, where one is signed in.",
    owner: PAGES,
    component: 'AccountPage.tsx',
    seenBy:
      'everybody who is signed in; nothing else where a second factor is required and missing',
    safetyImpact: NOTHING,
    inputs: [ME, { from: 'GET /api/v1/me/sessions', what: 'where one is signed in' }],
    live: [],
    outputs: [
      {
        to: 'POST /api/v1/me/password',
        what: 'another password; all other sessions end',
        confirmation: 'The password that holds.',
        permission: 'own account',
        logs: ['user.change_password'],
      },
      {
        to: 'POST /api/v1/me/second-factor',
        what: 'a secret for an authenticator, not yet in force',
        confirmation: 'The password.',
        permission: 'own account',
        logs: ['second_factor.enrol'],
      },
      {
        to: 'POST /api/v1/me/second-factor/confirm',
        what: 'puts it in force and shows recovery codes once',
        confirmation: 'A code of the authenticator.',
        permission: 'own account',
        logs: ['second_factor.confirm'],
      },
      {
        to: 'POST /api/v1/me/second-factor/remove',
        what: 'takes it away',
        confirmation: 'The password.',
        permission: 'own account',
        logs: ['second_factor.remove'],
      },
      {
        to: 'DELETE /api/v1/me/sessions/{session_id}',
        what: 'signs out elsewhere',
        confirmation: 'None: it is signed in again at once.',
        permission: 'own account',
        logs: ['session.revoke'],
      },
      SIGN_OUT,
    ],
    settings: VIEW,
    states: {
      ...LIST,
      empty: 'Cannot be: one is signed in here.',
      stale: 'Each session says when it was last used.',
    },
    fallback: OFF,
    acceptance: [
      'nothing of an account changes without its password',
      'recovery codes are shown once, and only left when they are kept',
    ],
    tests: [
      INPUTS,
      'ui/src/features/account/Enrolment.test.tsx',
      'ui/src/features/account/browser.test.ts',
      'cloud/tests/identity/test_sessions.py',
    ],
    picture: 'portal-account',
  },
  notFound: {
    title: 'notFound.title',
    purpose: 'An address that is no page, with the way back.',
    owner: PAGES,
    component: 'NotFoundPage.tsx',
    seenBy: 'everybody who is signed in',
    safetyImpact: NOTHING,
    inputs: [ME],
    live: [],
    outputs: [SIGN_OUT],
    settings: VIEW,
    states: {
      loading: 'Cannot be: it asks for nothing.',
      empty: 'It is the empty page.',
      error: 'It is the error.',
      stale: 'Cannot be: it shows nothing that ages.',
    },
    fallback: 'It needs no server.',
    acceptance: ['every address that no page has leads here, and from here to the sites'],
    tests: [INPUTS],
    picture: 'portal-not-found',
  },
};
