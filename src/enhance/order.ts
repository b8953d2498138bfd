/** What a task's child gets and gives. Only paths and small values cross the process border, never pixels. */
import type { DerivingNode } from '../dicom/deriving-node.js';
import type { OutcomeRecord, ResolvedTask, SeriesRecord } from '../spool/records.js';

export interface TaskOrder {
  readonly series: SeriesRecord;
  readonly task: ResolvedTask;
  /** The revision's instances: absolute path and SOP Instance UID. */
  readonly sources: readonly { readonly file: string; readonly sopInstanceUid: string }[];
  /** Absolute path of a folder that exists and is empty; the child makes `objects/` in it. */
  readonly outDir: string;
  readonly modelsDirectory: string;
  /** The site's own models; null: none. */
  readonly ownModelsDirectory: string | null;
  /** What derived objects say of this node. */
  readonly node: DerivingNode;
  /** Wall clock at the task's start, ms since epoch: the child has no clock of its own for records. */
  readonly startedAtMs: number;
}

/** Every object of an enhanced or withheld task is written and synced below `outDir/objects` when this arrives. */
export interface TaskReport {
  readonly outcome: OutcomeRecord;
}

export interface TaskProgress {
  readonly done: number;
  readonly total: number;
}
