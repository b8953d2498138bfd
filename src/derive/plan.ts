import type { DerivingNode } from '../dicom/deriving-node.js';

/** Where the pixels of a finer grid lie on the source's (conformance 3.4). */
export type Sampling = 'half_pixel' | 'align_corners' | 'asymmetric';

/** A grid with `scale` x `scale` pixels to one of the source. */
export interface NewGrid {
  readonly scale: number;
  readonly sampling: Sampling;
}

/** Everything that the instances of one derived series share; worked out once a task, then used for each instance. */
export interface DerivationPlan {
  readonly sourceSeriesInstanceUid: string;
  /** One value for all instances, made of the first slice's along the stack: sources differ here though a series has one. */
  readonly series: {
    /** Series Number. */
    readonly number: number;
    /** Series Description with its mark, as bytes in the source's character set. */
    readonly description: Uint8Array;
  };
  /** New Series Instance UID by the identity recipe. */
  readonly seriesInstanceUid: string;
  readonly model: {
    readonly id: string;
    readonly version: string;
    readonly sha256: string;
    /** Who trained it: Manufacturer of the model's Contributing Equipment item. */
    readonly maker: string;
    /** Derivation codes, in order: limpid's steps of this task. */
    readonly codes: readonly { readonly value: string; readonly scheme: string; readonly meaning: string }[];
    /** What was done, in words: `noise reduction`. */
    readonly words: string;
    /** Mark in Series Description and elsewhere: `DN`. */
    readonly mark: 'DN' | 'SR2x' | 'SR4x' | 'DSP' | 'CE';
  };
  /** Canonical JSON (RFC 8785), the very bytes that were hashed, and their SHA-256. */
  readonly settings: string;
  readonly settingsSha256: string;
  readonly strengthAsked: number;
  readonly strengthReached: number | null;
  readonly noise: { readonly before: number | null; readonly after: number | null; readonly unit: 'HU' | 'STORED' };
  readonly sourceSetDigest: string;
  readonly pipeline: number;
  readonly remake: number;
  readonly slot: number;
  /** When derivation of the series began, ms since epoch: Series Date and Time, equal in all instances. */
  readonly startedAtMs: number;
  readonly node: DerivingNode;
  /** Keep Instance Number if it is unique within the source, where parts of a concatenation share one; else number by position. */
  readonly instanceNumbers: ReadonlyMap<string, number> | 'kept';
  /** Absent: the derived image has the source's pixels. */
  readonly geometry?: NewGrid;
  /** By SOP Instance UID of a slice: the other source slices that the network saw for it, nearest first. Absent for 2D networks. */
  readonly contextSlices?: ReadonlyMap<string, readonly string[]>;
}

/** Whether the derived image has other pixels than its source. */
export function isNewGrid({ geometry, model }: DerivationPlan): boolean {
  return geometry !== undefined || model.mark.startsWith('SR');
}

/** Noise of one slice before and after, for the private block; null where not measured. */
export interface SliceFigures {
  readonly noiseBefore: number | null;
  readonly noiseAfter: number | null;
}
