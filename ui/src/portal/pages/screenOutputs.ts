import type { ScreenOutput } from '@/shared/screens/spec';

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
