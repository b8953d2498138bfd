// A series as its files tell it: what there is, without what follows from it (state.ts).
import type { CommitmentState } from './commitments.js';
import type { Key } from './key.js';
import type { ActionRecord, DecisionRecord, DeliveryRecord, OutcomeRecord, SeriesRecord } from './records.js';

export interface TaskState {
  readonly started: number;
  readonly died: number;
  readonly drained: number;
  readonly outcome: OutcomeRecord | null;
}

export interface RevisionState {
  readonly record: SeriesRecord;
  readonly decision: DecisionRecord | null;
  readonly tasks: ReadonlyMap<string, TaskState>;
  /** Batches by `TASK@PEER`, in order. */
  readonly deliveries: ReadonlyMap<string, readonly DeliveryRecord[]>;
  /** `TASK@PEER` of deliveries of which instances have gone out that no batch tells of: a process was ended meanwhile, or is sending now. */
  readonly begun: ReadonlySet<string>;
  /** Storage commitment by `TASK@PEER`. */
  readonly commitments: ReadonlyMap<string, CommitmentState>;
  readonly swept: boolean;
}

export interface NumberedAction {
  readonly number: number;
  readonly file: string;
  readonly action: ActionRecord;
}

export interface SeriesState {
  readonly key: Key;
  /** File names in `instances/`, without `.dcm`. */
  readonly files: readonly string[];
  /** In order, r1 first. */
  readonly revisions: readonly RevisionState[];
  readonly actions: readonly NumberedAction[];
  /** This node has committed itself to keep instances of it until then, ms since epoch; -Infinity: it has not. */
  readonly promisedUntilMs: number;
}
