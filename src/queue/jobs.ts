/** What goes through the queue: jobs say WHEN a step runs, the spool says WHAT has been done. Never patient data. */
import type { Key } from '../spool/key.js';
import type { Priority } from '../spool/records.js';
import { deliveryJobId, seriesJobId, taskJobId } from './job-id.js';

export const queueNames = ['series', 'tasks', 'deliveries', 'commitments'] as const;
export type QueueName = (typeof queueNames)[number];

/** `series`: key and revision; `tasks`: the task too; `deliveries` and `commitments`: task and peer too. */
export interface JobData {
  readonly key: Key;
  readonly revision: number;
  readonly task?: string;
  readonly peer?: string;
}

export interface JobSpec {
  readonly data: JobData;
  readonly priority: Priority;
  /** Whose work it is, for fair shares: the sending peer's name; for deliveries the receiving peer's. */
  readonly source: string;
}

export interface JobControl {
  readonly id: string;
  /** Its class now: a person may have changed it since it was added. */
  readonly priority: Priority;
  /** Aborted when the job's lock is lost: another worker may have it now. */
  readonly signal: AbortSignal;
}

/** How the step of a job ended: nothing more to do now, or not before a time (ms since epoch). */
export type StepResult = { readonly kind: 'done' } | { readonly kind: 'later'; readonly atMs: number };

/** The job ends, or runs again at this time (ms since epoch). */
export type JobResult = 'done' | { readonly retryAtMs: number };
export type JobHandler = (job: JobData, control: JobControl) => Promise<JobResult>;

export interface Consumer {
  /** Takes no further job; resolves when the running ones have ended. */
  close(): Promise<void>;
}

export interface QueueCounts {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  /** How long the job has waited that has waited longest, of whichever class; null where none waits. */
  readonly oldestSeconds: number | null;
}

/** The id of a job: from its data alone. */
export function jobIdOf(queue: QueueName, { key, revision, task = '', peer = '' }: JobData): string {
  if (queue === 'series') return seriesJobId(key, revision);
  return queue === 'tasks' ? taskJobId(key, revision, task) : deliveryJobId(key, revision, task, peer);
}
