/** Messages between a device (parent) and its child. Small values only: the child reads and writes the files itself. */
import type { FailureCode } from '../errors.js';
import type { MeasuredSeries } from './measure-series.js';
import type { TaskOrder, TaskReport } from './order.js';

export type ToChild =
  | {
      readonly kind: 'open';
      readonly providers: readonly string[];
      readonly threads: number;
      /** Slices of 512 x 512 that a GPU takes at once, at most. */
      readonly batch: number;
      readonly sliceDeadlineMs: number;
    }
  | { readonly kind: 'run'; readonly order: TaskOrder }
  /** What the series is like, from a few of its images. */
  | { readonly kind: 'measure'; readonly files: readonly string[] };

/** One slice done, for progress and metrics. */
export interface SliceNews {
  readonly kind: 'slice';
  readonly done: number;
  readonly total: number;
  readonly modality: 'CT' | 'MR' | 'US';
  readonly noiseRatio: number | null;
  /** Mean shift over noise, absolute, before it was put back. */
  readonly meanShift: number | null;
  readonly edgeRatio: number | null;
  /** Over the noise; null where not measured. */
  readonly periodic: number | null;
  /** Over the noise; null where not measured. */
  readonly smoothChange: number | null;
}

export type ToParent =
  | { readonly kind: 'ready'; readonly provider: string }
  | { readonly kind: 'memory'; readonly bytes: number }
  | { readonly kind: 'model'; readonly seconds: number }
  | SliceNews
  | { readonly kind: 'report'; readonly report: TaskReport }
  | { readonly kind: 'measured'; readonly measured: MeasuredSeries }
  | { readonly kind: 'fault'; readonly code: FailureCode; readonly message: string };
