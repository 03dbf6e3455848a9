import type { ScreenInput, ScreenSpec } from '@/shared/screens/spec';

import type { HmiScreen } from './routes';

const APP = 'ui/src/hmi/pages';
const FEATURES = 'ui/src/features';
const EVERYBODY = 'everybody who stands at the box or is on its network';
const NOTHING = 'None: it changes nothing on the site.';
const OFF =
  'Control does not need this screen and goes on. While its server does not answer the bar says how old the values are, or that the controller does not answer; it is tried again every 2 s.';

/** The bar, the navigation and the frame of every page. */
const FRAME: readonly ScreenInput[] = [
  { from: 'GET /api/v1/site', what: 'the site, its components and channels' },
  { from: 'GET /api/v1/latest', what: 'newest values, state, the reason' },
  { from: 'GET /api/v1/alarms', what: 'how many alarms stand' },
  { from: 'GET /api/v1/sync', what: 'the link to the cloud' },
];
const VALUES = ['latest'];
const PIN = 'PIN of the box';
const STALE =
  'The bar says how old the values are (after 3 s); flows stand and are grey, channels are told as stale.';
const NOTE = 'A note with what failed and an id to quote; what was known stays below.';

const BROWSER = 'ui/e2e/hmi.spec.ts';
const INPUTS = 'ui/e2e/screens.spec.ts';
const API = 'edge/tests/hmi/test_api.py';
const ACCESS = 'edge/tests/hmi/test_access.py';

/** What every screen of the box declares; `docs/screens.md` is made from it. */
export const HMI_SCREENS: Record<HmiScreen, ScreenSpec> = {
  home: {
    title: 'nav.home',
    purpose: 'What flows, what the battery does, and why: read in three seconds from two metres.',
    owner: APP,
    component: 'Home.tsx',
    seenBy: EVERYBODY,
    safetyImpact: NOTHING,
    inputs: [...FRAME, { from: 'GET /api/v1/history', what: 'grid power since midnight' }],
    live: VALUES,
    outputs: [],
    settings: [],
    states: {
      loading: 'Grey shape of the page.',
      empty: 'A dash for each number that was never known.',
      error: 'The controller does not answer, and that it is tried again.',
      stale: STALE,
    },
    fallback: OFF,
    acceptance: [
      'power by direction in words and arrows, never by a sign alone',
      'what is old is never shown as if it were new',
    ],
    tests: [
      BROWSER,
      INPUTS,
      'ui/src/features/flow/FlowDiagram.test.tsx',
      'ui/src/features/why/WhyLine.test.tsx',
      'ui/src/features/battery/remaining.test.ts',
      'ui/src/hmi/frame.test.tsx',
    ],
    picture: 'hmi-home',
  },
  trends: {
    title: 'nav.trends',
    purpose: 'Power and state of charge of the last hours, from the own record.',
    owner: `${FEATURES}/history`,
    component: 'Trends.hmi.tsx',
    seenBy: EVERYBODY,
    safetyImpact: NOTHING,
    inputs: [...FRAME, { from: 'GET /api/v1/history', what: 'power and state of charge' }],
    live: VALUES,
    outputs: [],
    settings: [
      { name: 'time span', unit: 'h', values: '1, 6, 24 or 72', kept: 'while the screen is open' },
    ],
    states: {
      loading: 'Grey shape of the charts.',
      empty: 'Nothing was recorded in this time.',
      error: NOTE,
      stale: 'The line ends where the record ends; gaps are gaps.',
    },
    fallback: OFF,
    acceptance: ['the title says the finding', 'gaps are gaps', 'works without cloud and network'],
    tests: [BROWSER, INPUTS, 'ui/src/features/history/series.test.ts', API],
    picture: 'hmi-trends',
  },
  alarms: {
    title: 'nav.alarms',
    purpose: 'Alarms and faults with cause, effect and remedy; what latched is cleared here.',
    owner: `${FEATURES}/alarms`,
    component: 'Alarms.hmi.tsx',
    seenBy: EVERYBODY,
    safetyImpact:
      'Clears latched faults, after which the site may charge, discharge or start again. Refused while the cause stands.',
    inputs: [
      ...FRAME,
      { from: 'GET /api/v1/faults', what: 'faults that stand, and which may clear' },
    ],
    live: VALUES,
    outputs: [
      {
        to: 'POST /api/v1/alarms/{alarm_id}/acknowledge',
        what: 'says that somebody has seen the alarm',
        confirmation: 'PIN.',
        permission: PIN,
        logs: ['alarm.acknowledged'],
      },
      {
        to: 'POST /api/v1/faults/{code}/clear',
        what: 'clears a fault that latched; the site may do again what it blocked',
        confirmation: 'PIN, then a second touch elsewhere that says what the site may do again.',
        permission: PIN,
        logs: ['fault.cleared', 'fault.clear_refused'],
      },
    ],
    settings: [],
    states: {
      loading: 'Grey shape of the list.',
      empty: 'No alarms, and where new ones appear.',
      error: `${NOTE} That there is no alarm is said only when it is known.`,
      stale: 'Asked for every 2 to 5 s; an answer that fails is told.',
    },
    fallback: `${OFF} Faults hold in the cycle, whatever the screen shows.`,
    acceptance: [
      'what latched stands above everything',
      'a fault cannot be cleared while its cause stands, and it says so',
      'not known is never shown as none',
    ],
    tests: [
      BROWSER,
      INPUTS,
      'ui/src/features/alarms/AlarmRow.test.tsx',
      'ui/src/features/alarms/Alarms.test.tsx',
      'ui/src/features/alarms/faults.test.ts',
      'edge/tests/hmi/test_faults.py',
      ACCESS,
    ],
    picture: 'hmi-alarms',
  },
  devices: {
    title: 'nav.devices',
    purpose: 'One device at a time, every channel with value, quality and age.',
    owner: `${FEATURES}/devices`,
    component: 'Devices.hmi.tsx',
    seenBy: EVERYBODY,
    safetyImpact: NOTHING,
    inputs: FRAME,
    live: VALUES,
    outputs: [],
    settings: [
      {
        name: 'device',
        unit: '',
        values: 'one of the site, or the site itself',
        kept: 'while the screen is open',
      },
    ],
    states: {
      loading: 'Grey shape of the page.',
      empty: 'A channel that was never known has a dash.',
      error: 'The controller does not answer, and that it is tried again.',
      stale: STALE,
    },
    fallback: OFF,
    acceptance: [
      'worst quality of a device stands at its name',
      'when the controller falls silent no channel is shown as good',
    ],
    tests: [BROWSER, INPUTS, 'ui/src/features/devices/devices.test.tsx'],
    picture: 'hmi-devices',
  },
  system: {
    title: 'nav.system',
    purpose: 'Left what acts: the override of the battery. Right what tells, in five tabs.',
    owner: APP,
    component: 'System.tsx',
    seenBy: EVERYBODY,
    safetyImpact:
      'Moves a battery by hand. Guards hold whatever is asked; the override ends by itself and not later than it says.',
    inputs: [...FRAME, { from: 'GET /api/v1/overrides', what: 'the override that stands' }],
    live: VALUES,
    outputs: [
      {
        to: 'POST /api/v1/overrides',
        what: 'charge or discharge with 0 kW to what the battery allows, in steps of 1 and 5 kW, or hold 0 W; for 5, 15, 30 min, 1 or 4 h',
        confirmation: 'PIN, then a second touch elsewhere that says watts and until when.',
        permission: PIN,
        logs: ['override.set', 'override.refused', 'override.ended'],
      },
      {
        to: 'DELETE /api/v1/overrides/{target}',
        what: 'gives the battery back to automatic control',
        confirmation: 'PIN.',
        permission: PIN,
        logs: ['override.cleared'],
      },
    ],
    settings: [
      {
        name: 'tab',
        unit: '',
        values: 'actions, limits, cloud, cycle or screen',
        kept: 'while the screen is open',
      },
    ],
    states: {
      loading: 'Grey shape of the panel: nothing can be chosen before it is known what stands.',
      empty: 'There is no battery on this site.',
      error: `${NOTE} Before it is known what stands nothing can be chosen.`,
      stale: STALE,
    },
    fallback: `${OFF} An override ends at its time without it, and with the process of the edge.`,
    acceptance: [
      'no power is moved without PIN and a second touch elsewhere',
      'what will happen is said in watts and until when',
      'an override that stands is never hidden by a failed answer',
    ],
    tests: [
      BROWSER,
      INPUTS,
      'ui/src/features/override/OverridePanel.test.tsx',
      'ui/src/features/override/draft.test.ts',
      'edge/tests/runtime/test_overrides.py',
      ACCESS,
    ],
    picture: 'hmi-system',
  },
  'system.actions': {
    title: 'system.actions',
    purpose: 'Who did what at this box, here and from the cloud, and what became of it.',
    owner: `${FEATURES}/records`,
    component: 'ActionList.hmi.tsx',
    seenBy: EVERYBODY,
    safetyImpact: NOTHING,
    inputs: [...FRAME, { from: 'GET /api/v1/actions', what: 'the newest 50, or 500' }],
    live: VALUES,
    outputs: [],
    settings: [
      { name: 'older', unit: '', values: 'the newest 50 or 500', kept: 'while the screen is open' },
    ],
    states: {
      loading: 'Grey shape of the list.',
      empty: 'Nothing was done yet, and what is listed here.',
      error: NOTE,
      stale: 'Each entry has its time; an answer that fails is told.',
    },
    fallback: OFF,
    acceptance: ['what was refused is marked', 'a word of a later version is shown as it came'],
    tests: [INPUTS, 'ui/src/features/records/ActionList.test.tsx', API],
    picture: 'hmi-system-actions',
  },
  'system.limits': {
    title: 'system.limits',
    purpose: 'Limits from outside: when each came, was obeyed, and ended.',
    owner: `${FEATURES}/records`,
    component: 'LimitList.hmi.tsx',
    seenBy: EVERYBODY,
    safetyImpact: NOTHING,
    inputs: [...FRAME, { from: 'GET /api/v1/limits', what: 'the signed record' }],
    live: VALUES,
    outputs: [],
    settings: [],
    states: {
      loading: 'Grey shape of the list.',
      empty: 'No limit came yet, and what is listed here.',
      error: NOTE,
      stale: 'Each entry has its time; an answer that fails is told.',
    },
    fallback: `${OFF} The record is kept and signed without it.`,
    acceptance: ['a record that was changed says so', 'a limit that was not obeyed is marked'],
    tests: [INPUTS, 'ui/src/features/records/episodes.test.ts', 'edge/tests/proof/test_proof.py'],
    picture: 'hmi-system-limits',
  },
  'system.sync': {
    title: 'system.sync',
    purpose: 'The link to the cloud, what waits for it, and who this box is to it.',
    owner: `${FEATURES}/system`,
    component: 'SyncPanel.hmi.tsx',
    seenBy: `${EVERYBODY}; the claim code with the PIN`,
    safetyImpact: 'None: control never waits for the cloud. Who has the code can take the box in.',
    inputs: [
      ...FRAME,
      { from: 'GET /api/v1/identity', what: 'fingerprint, and whether the cloud takes it' },
      {
        from: 'GET /api/v1/identity/claim',
        what: 'the claim code and its image',
        when: 'it is asked for, with the PIN',
      },
    ],
    live: VALUES,
    outputs: [],
    settings: [],
    states: {
      loading: 'Grey shape of the panel.',
      empty: 'A dash where nothing waits or was ever confirmed.',
      error: NOTE,
      stale: 'Age of the last confirmation and of the oldest that waits.',
    },
    fallback: OFF,
    acceptance: [
      'the code is shown only with the PIN, and no more once the box is taken',
      'a link that is lost is told in the bar on every page',
    ],
    tests: [INPUTS, 'ui/src/features/system/ClaimPanel.test.tsx', ACCESS],
    picture: 'hmi-system-cloud',
  },
  'system.cycle': {
    title: 'system.cycle',
    purpose: 'Whether the control loop is on time.',
    owner: `${FEATURES}/cycle`,
    component: 'CycleList.tsx',
    seenBy: EVERYBODY,
    safetyImpact: NOTHING,
    inputs: [...FRAME, { from: 'GET /api/v1/cycle', what: 'lateness, work, overruns, slots' }],
    live: VALUES,
    outputs: [],
    settings: [],
    states: {
      loading: 'Grey shape of the figures.',
      empty: 'No statistics yet, a dash for each number.',
      error: NOTE,
      stale: 'Asked for every 2 s; an answer that fails is told.',
    },
    fallback: OFF,
    acceptance: ['the verdict stands above the figures', 'missed slots ask for attention'],
    tests: [INPUTS, 'ui/src/shared/parts/Known.test.tsx', API],
    picture: 'hmi-system-cycle',
  },
  'system.screen': {
    title: 'system.screen',
    purpose: 'Language and theme of this screen, its lock, the version of the software.',
    owner: APP,
    component: 'System.tsx',
    seenBy: EVERYBODY,
    safetyImpact: NOTHING,
    inputs: FRAME,
    live: VALUES,
    outputs: [],
    settings: [
      { name: 'language', unit: '', values: 'English or Svenska', kept: 'in this browser' },
      {
        name: 'theme',
        unit: '',
        values: 'light or dark; until chosen as the system',
        kept: 'in this browser',
      },
      {
        name: 'lock',
        unit: '',
        values: 'now; else after 5 minutes by itself',
        kept: 'while the screen is open',
      },
    ],
    states: {
      loading: 'Cannot be: it asks for nothing of its own.',
      empty: 'Cannot be: the choices are what there is.',
      error: 'Cannot be: it asks for nothing of its own.',
      stale: 'Cannot be: it shows nothing that ages.',
    },
    fallback: OFF,
    acceptance: ['both languages say everything', 'both themes are readable (axe)'],
    tests: [BROWSER, INPUTS],
    picture: 'hmi-system-screen',
  },
  pin: {
    title: 'pin.title',
    purpose: 'Asks for the PIN whenever something wants to act.',
    owner: `${FEATURES}/pin`,
    component: 'PinPad.hmi.tsx',
    seenBy: EVERYBODY,
    safetyImpact: 'It is the door to all that acts: held for 5 minutes, in memory only.',
    inputs: FRAME,
    live: VALUES,
    outputs: [
      {
        to: 'POST /api/v1/auth/pin',
        what: 'lets this screen act for 5 minutes',
        confirmation: 'The PIN, of up to 12 digits.',
        permission: 'nobody: it is how one may act',
        logs: ['sign_in.accepted', 'sign_in.refused'],
      },
    ],
    settings: [],
    states: {
      loading: 'Enter is greyed while the answer is awaited.',
      empty: 'Enter is greyed before the first digit.',
      error: 'Wrong PIN, locked for how long, no controller: each in words.',
      stale: 'Cannot be: it shows nothing that ages.',
    },
    fallback: 'Nobody can act at the screen while its server is away; control goes on.',
    acceptance: [
      'wrong tries lock it for a time that it says',
      'a screen that is left alone locks itself',
    ],
    tests: [BROWSER, INPUTS, 'ui/src/features/pin/PinPad.test.tsx', ACCESS],
    picture: 'hmi-pin',
  },
};
