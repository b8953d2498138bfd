// What the own checks of derived objects are given, and how they say what is wrong.
import type { Instance } from '../dicom/file.js';
import type { SourceInstance } from './derive-instance.js';
import type { Selection } from './encode.js';
import type { DerivationPlan } from './plan.js';

/** A source with its stored values, [row][column]. */
export interface DecodedSource extends SourceInstance {
  readonly pixels: Int32Array;
}

/** Notes a fault: the rule's word, and what is wrong. */
export type Fault = (rule: string, what: string) => void;

/** What one instance is checked with. */
export interface Check {
  readonly source: DecodedSource;
  readonly derived: Instance;
  readonly plan: DerivationPlan;
  /** The largest change that was meant, in stored values before rounding; null on a finer grid. */
  readonly largestChange: number | null;
  /** Whether what may change has one value only, or is nothing: then the result may be the source. */
  readonly isPlain: boolean;
  /** What the derived object takes over. */
  readonly selection: Selection;
  readonly fault: Fault;
}
