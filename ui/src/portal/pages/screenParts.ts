import type { ScreenInput, ScreenOutput, ScreenSetting } from '@/shared/screens/spec';

// What several screens of the portal declare alike.

export const NOTHING = 'None: it changes nothing on a site.';
export const ME: ScreenInput = {
  from: 'GET /api/v1/me',
  what: 'who is signed in, and what they may',
};
export const SITES: ScreenInput = {
  from: 'GET /api/v1/sites',
  what: 'sites with state, power and last contact',
};
export const LIST = {
  loading: 'Rows as grey bars.',
  error: 'What failed, an id to quote, and Try again; what was known stays below.',
};
export const OFF =
  'Nothing but the sign-in answers without the cloud. Sites are controlled on site and go on; what was shown stays, under the error.';
export const VIEW: readonly ScreenSetting[] = [
  { name: 'language', unit: '', values: 'English or Swedish', kept: 'in this browser' },
  {
    name: 'theme',
    unit: '',
    values: 'light or dark; until chosen as the system',
    kept: 'in this browser',
  },
];
export const SIGN_OUT: ScreenOutput = {
  to: 'POST /api/v1/auth/sign-out',
  what: 'ends this session',
  confirmation: 'None: it is signed in again at once.',
  permission: 'own account',
  logs: ['session.revoke'],
};
export const ACKNOWLEDGE: ScreenOutput = {
  to: 'POST /api/v1/alarms/{alarm_id}/acknowledge',
  what: 'says that somebody has seen the alarm',
  confirmation: 'None: it moves no power and hides nothing.',
  permission: 'alarms:acknowledge',
  logs: ['alarm.acknowledge'],
};

const SECOND_TOUCH =
  'A second look: what will happen in watts and for how long, that guards hold, until when it counts.';

/** What the dialog that sends commands can do. */
export const COMMAND_OUTPUTS: readonly ScreenOutput[] = [
  {
    to: 'POST /api/v1/sites/{site_id}/commands',
    what: 'an override (any setpoint of the site, 0 to 1440 min), a mode, a fault to clear, a schedule, a configuration, an update, diagnostics, a restart, another key; waits for the box for 5 min, 1 h, 1 day or 6 days',
    confirmation: SECOND_TOUCH,
    permission: 'commands:write; what is about the box itself devices:write as well',
    logs: ['command.send', 'override.set', 'override.cleared', 'command.accepted', 'command.done'],
  },
  {
    to: 'POST /api/v1/command-batches',
    what: 'the same to many sites, but for what is of one site (schedule, configuration)',
    confirmation: `${SECOND_TOUCH} The sites are named, the button says how many.`,
    permission: 'commands:write; what is about the box itself devices:write as well',
    logs: ['command_batch.send', 'command.send'],
  },
];

/** What can be done with boxes. */
export const DEVICE_OUTPUTS: readonly ScreenOutput[] = [
  {
    to: 'POST /api/v1/device-claims',
    what: 'a code that the screen of a box shows, for a new box or in the place of another',
    confirmation: 'The whole code, which has a check of its own.',
    permission: 'devices:write',
    logs: ['device_claim.enter'],
  },
  {
    to: 'POST /api/v1/device-claims/{claim_id}/approve',
    what: 'lets the box in',
    confirmation: 'The fingerprint is compared by a person, or scanned.',
    permission: 'devices:write',
    logs: ['device_claim.approve', 'device.replace'],
  },
  {
    to: 'POST /api/v1/device-claims/{claim_id}/refuse',
    what: 'turns the box away',
    confirmation: 'None: another code lets it ask again.',
    permission: 'devices:write',
    logs: ['device_claim.refuse'],
  },
  {
    to: 'DELETE /api/v1/device-claims/{claim_id}',
    what: 'takes a code back',
    confirmation: 'A second touch that says whose code ends.',
    permission: 'devices:write',
    logs: ['device_claim.withdraw'],
  },
  {
    to: 'POST /api/v1/devices/{device_id}/revoke',
    what: 'shuts a box out',
    confirmation: 'A second touch that says what ends, what goes on at the site and what stays.',
    permission: 'devices:write',
    logs: ['device.revoke'],
  },
];

/** What a person can change of the own account. */
export const ACCOUNT_OUTPUTS: readonly ScreenOutput[] = [
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
];
