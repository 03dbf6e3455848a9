import type { Draft, Wrong } from './draft';

/** What the fields of every kind get. */
export interface FieldsProps {
  draft: Draft;
  /** The target is the power of a battery. */
  battery: boolean;
  onChange: (changes: Partial<Draft>) => void;
  /** Addresses that can be set. */
  targets: string[];
  /** Faults that stand, as `code:component`. */
  faults: string[];
  /** The text at a field that must be mended; undefined while it is not to be said. */
  wrong: (field: Wrong) => string | undefined;
}
