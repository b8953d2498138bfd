/** What the threads of a task's child answer. Pixels go by shared memory (slice, noise map, neighbours) or transfer (residual), never by copy. */
import type { ImagePlace } from '../dicom/image-place.js';
import type { Reason } from '../errors.js';
import type { SliceQuality } from '../imaging/grade.js';
import type { LoudRule } from '../imaging/shares.js';
import type { ModelCard } from '../inference/card.js';
import type { Neighbours } from '../inference/network.js';
import type { DerivedInstance } from '../spool/records.js';
import type { Quality } from './finish.js';
import type { ModelOutput } from './fingerprint.js';
import type { EnhancedFigures } from './limits.js';
import type { NoiseModality } from './noise.js';
import type { Result } from '../threads/thread.js';

/** What the header of one object tells about its images. */
export interface SurveyedObject {
  /** Of its SOP class; null for classes that are not enhanced. */
  readonly modality: NoiseModality | null;
  readonly instanceNumber: number | null;
  /** Concatenation UID, of a part of one. */
  readonly concatenationUid: string | null;
  /** Of each of its frames; one for a classic object. */
  readonly frames: readonly ImagePlace[];
  readonly words: SeriesWords;
}

/** What an instance says of its series; see derive/texts.ts. */
export interface SeriesWords {
  readonly number: number | null;
  readonly description: Uint8Array;
  readonly characterSets: readonly string[];
}

export interface DecodeArgument {
  readonly file: string;
  /** From 0. */
  readonly frame: number;
}

export interface PrepareArgument extends DecodeArgument {
  readonly modality: NoiseModality;
  /**
   * Whether padding goes into the model as it is (`kept`), or the image goes on into it, so that its edge does not ring: for what is
   * measured too (`continued`), or for the model alone (`hidden`).
   */
  readonly padding: 'kept' | 'continued' | 'hidden';
  /** Noise to assume where none can be measured: HU, or permille for MR. */
  readonly guess: number;
}

/** A decoded image, as its neighbours see it. */
export interface DecodedSlice {
  /** The thread's name for the slice in later calls; never used twice. */
  readonly work: number;
  readonly rows: number;
  readonly columns: number;
  /** In model units, shared. */
  readonly values: Float32Array;
  /** Factor from the modality's values to `values`: MR has one for each slice. */
  readonly scale: number;
  /** Of `values`. */
  readonly fingerprint: number;
  /** As its own file says. */
  readonly place: ImagePlace;
}

export interface PreparedSlice extends DecodedSlice {
  /** In model units, shared. */
  readonly map: Float32Array;
  /** In model units; null where not measurable. */
  readonly sigma: number | null;
  /** Of the record's unit (HU, stored values) to one of the model's. */
  readonly toRecord: number;
}

export interface FinishArgument<Plan> {
  readonly work: number;
  /** Null where `measure` has handed it over before. */
  readonly residual: ModelOutput | null;
  /** Whether other slices have still to look at its values: they stay until `drop`. */
  readonly isLent: boolean;
  /** SOP Instance UIDs of the other images that the model saw, the nearest first; empty for a frame. */
  readonly context: readonly string[];
  readonly blend: number;
  /** Where more than that share goes; null: nowhere. */
  readonly loud: LoudRule | null;
  /** Largest smooth change that the card allows: there confidence is a half at most. Null: no limit. */
  readonly smoothLimit: number | null;
  /** Whether to measure what takes longer: see `SliceQuality`. */
  readonly judged: boolean;
  readonly plan: Plan;
  /** Absolute path of the object to write. */
  readonly outFile: string;
  /** Absolute path of the picture of its confidence; null: none is made. */
  readonly mapFile: string | null;
  readonly nowMs: number;
}

/** One image, enhanced and written: an object of its own, or a frame of an object that `complete` ends. */
export interface FinishedSlice<Part, Summary> {
  readonly modality: NoiseModality;
  readonly figures: EnhancedFigures;
  /** False where every pixel is the source's, because rounding to stored values takes the change away. */
  readonly changed: boolean;
  /** Null unless asked for. */
  readonly quality: Quality | null;
  /** Faults of the derived image; it is not written then. */
  readonly faults: readonly string[];
  /** The object, where it has one image only; null for a frame of several. */
  readonly object: FinishedObject<Summary> | null;
  /** What `complete` needs of a frame; null for an object of its own. */
  readonly part: Part | null;
}

export interface FinishedObject<Summary> {
  readonly instance: DerivedInstance;
  /** What the check of the whole series needs of it. */
  readonly summary: Summary;
}

export interface CompleteArgument<Plan, Part> {
  readonly file: string;
  readonly plan: Plan;
  /** Of each frame, in their order. */
  readonly parts: readonly Part[];
  readonly outFile: string;
  readonly nowMs: number;
}

/** Threads that read, decode, measure, blend, derive, check and write. They may be ended at any time. */
export type SliceMethods<Plan, Part, Summary> = {
  readonly survey: (files: readonly string[]) => Promise<Result<readonly SurveyedObject[]>>;
  readonly prepare: (argument: PrepareArgument) => Promise<Result<PreparedSlice | { readonly refused: Reason }>>;
  /** Decodes an image for its neighbours alone; `drop` ends it. */
  readonly decode: (argument: DecodeArgument) => Promise<Result<DecodedSlice | { readonly refused: Reason }>>;
  /** Noise after over before at each blend; the residual stays with the slice. */
  readonly measure: (argument: {
    readonly work: number;
    readonly residual: ModelOutput | null;
    readonly blends: readonly number[];
    readonly loud: LoudRule | null;
    /** As it is meant, or as the file will hold it, rounded. */
    readonly as: 'meant' | 'written';
  }) => Promise<Result<readonly (number | null)[]>>;
  readonly finish: (argument: FinishArgument<Plan>) => Promise<Result<FinishedSlice<Part, Summary>>>;
  /** Writes the header of an object whose frames are all finished, and reads it back. */
  readonly complete: (
    argument: CompleteArgument<Plan, Part>,
  ) => Promise<Result<FinishedObject<Summary> & { readonly faults: readonly string[] }>>;
  /** What a prepared slice is like before anything is done to it. */
  readonly judge: (work: number) => Promise<Result<SliceQuality>>;
  /** Forgets these slices, or all; nobody looks at their values any more. */
  readonly drop: (works: readonly number[] | 'all') => Promise<Result<null>>;
};

/** A model as the inference threads open it; they keep the last one. */
export interface OpenModel {
  readonly card: ModelCard;
  readonly file: string;
  readonly provider: string;
  /** Slices of 512 x 512 that go through a network at once, at most; of larger ones fewer. */
  readonly batch: number;
}

/** Threads that run the model: one session and one intra-op thread each. They are never ended singly. */
export type InferenceMethods = {
  readonly residual: (argument: {
    readonly model: OpenModel;
    readonly rows: number;
    readonly columns: number;
    readonly values: Float32Array;
    readonly map: Float32Array;
    /** Values of the slices beside it, where the model sees them. */
    readonly neighbours: Neighbours;
  }) => Promise<Result<{ readonly output: ModelOutput; readonly seconds: number }>>;
};
