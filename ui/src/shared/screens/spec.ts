import type { Key } from '@/shared/i18n/en';

/** `GET /api/v1/sites/{site_id}`: as in the OpenAPI file of the server that the application talks to. */
export type Operation = `${'GET' | 'POST' | 'DELETE'} /api/v1/${string}`;

/** What a screen reads. */
export interface ScreenInput {
  from: Operation;
  what: string;
  /** Absent: whenever the screen is open. */
  when?: string;
}

/** What a person can change from a screen. */
export interface ScreenOutput {
  to: Operation;
  what: string;
  /** What is asked before: nothing, a PIN, a second touch that says what will happen. */
  confirmation: string;
  /** Who may: a permission of the cloud, the PIN of the box, or everybody who is signed in. */
  permission: string;
  /** Entries that it leaves: of the cloud's audit log, or of the box's list of actions. */
  logs: readonly string[];
}

/** What can be set on a screen without changing anything but what this viewer sees. */
export interface ScreenSetting {
  name: string;
  /** Empty for what has none. */
  unit: string;
  values: string;
  kept: 'in this browser' | 'while the screen is open' | 'as long as the tab';
}

/** What is shown, or why it cannot happen. */
export interface ScreenStates {
  loading: string;
  empty: string;
  error: string;
  stale: string;
}

/** The declaration of one screen (the governance rules); tests refuse a gap and what is not true. */
export interface ScreenSpec {
  title: Key;
  purpose: string;
  /** The room that answers for it: a folder from the root of the repository. */
  owner: string;
  /** File of its component, in the owner's room. */
  component: string;
  /** Who may see it. */
  seenBy: string;
  safetyImpact: string;
  inputs: readonly ScreenInput[];
  /** Messages of the live stream that it follows. */
  live: readonly string[];
  outputs: readonly ScreenOutput[];
  settings: readonly ScreenSetting[];
  states: ScreenStates;
  /** What works when its server does not answer, or its process dies. */
  fallback: string;
  acceptance: readonly string[];
  /** Test files, from the root of the repository. */
  tests: readonly string[];
  /** `screens/NAME.webp` in docs/images. */
  picture: string;
}

export type Screens = Readonly<Record<string, ScreenSpec>>;

/** Names of the declarations that are empty; lists of what a screen reads, changes or keeps may be. */
export function gaps(spec: ScreenSpec): string[] {
  const texts = { ...spec, ...spec.states, states: 'given' };
  const listed = ['acceptance', 'tests'] as const;
  return [
    ...Object.entries(texts)
      .filter(([, value]) => value === '')
      .map(([name]) => name),
    ...listed.filter((name) => spec[name].length === 0),
  ];
}
