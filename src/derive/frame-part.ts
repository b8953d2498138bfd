import type { Sample } from './check-series.js';

/** What is known of one derived frame once its pixels are written and gone. */
export interface FramePart {
  /** From 0. */
  readonly frame: number;
  /** Of its stored values. */
  readonly smallest: number;
  readonly largest: number;
  /** Of its bytes in the object. */
  readonly sha256: string;
  readonly noiseBefore: number | null;
  readonly noiseAfter: number | null;
  readonly sample: Sample;
}
