/**
 * The way of a series. Read this first.
 *
 *   receive   receive/store.ts          an association  > instance files, each acknowledged only when it is kept
 *   assemble  assemble/tracker.ts       instance files  > a revision (series.json): what belongs together, and why it was closed
 *   route     route/route-series.ts     a revision      > a decision (decision.json): tasks, forwards, destinations
 *   enhance   enhance/perform-task.ts   a task          > an outcome (outcome.json) with derived objects, made in a child:
 *   derive    task.ts                                     decode, rescale, network or filter, strength, measure, edit header, check
 *   deliver   deliver/deliver.ts        a result        > an outcome for every instance at every peer
 *             deliver/commit.ts         a delivery      > the peer's commitment to keep it, where that is asked for
 *
 * Between stages nothing passes but a KEY in a job and the files in the spool. What comes next follows from the files alone
 * (spool/state.ts: nextSteps); `advance` turns that into jobs, after each job, at start, and when a series is touched.
 */
import type { DeliveryJob } from './deliver/job.js';
import type { Log } from './observe/log.js';
import type { Metrics } from './observe/metrics.js';
import type { QueueBackend } from './queue/backend.js';
import { jobIdOf } from './queue/jobs.js';
import type { JobHandler, JobResult, JobSpec, QueueName, StepResult } from './queue/jobs.js';
import type { Key } from './spool/key.js';
import { lastAcceptedMs } from './spool/last-accepted.js';
import { askedPriority, priorityOf } from './spool/priority.js';
import type { Priority } from './spool/records.js';
import type { Spool } from './spool/spool.js';
import { lateWithdrawals, nextSteps } from './spool/state.js';
import type { SeriesState, Step } from './spool/state.js';
import { isWithdrawalTask, withdrawalActions } from './spool/withdrawals.js';

/** The work of the stages that jobs run; each is safe to repeat. */
export interface Stages {
  route(job: { readonly key: Key; readonly revision: number }): Promise<void>;
  enhance(
    job: { readonly key: Key; readonly revision: number; readonly task: string },
    signal: AbortSignal,
  ): Promise<StepResult>;
  withdraw(job: { readonly key: Key; readonly revision: number; readonly task: string }): Promise<StepResult>;
  deliver(job: DeliveryJob, priority: Priority, signal: AbortSignal): Promise<StepResult>;
  commit(job: DeliveryJob, signal: AbortSignal): Promise<StepResult>;
}

export interface PipelineDeps {
  readonly spool: Spool;
  readonly queue: QueueBackend;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => number;
}

/** Adds a job for every next step of a series, and takes it off the active list when there is none left. Safe to repeat. */
export async function advance(deps: PipelineDeps, key: Key): Promise<void> {
  const state = await withLateWithdrawals(deps, await deps.spool.state(key));
  const { steps, done } = nextSteps(state);
  for (const step of steps) await addJob(deps, state, step);
  if (done && (await deps.spool.finishIfDone(key))) await reportFinished(deps, state);
}

/** Does what rules say with `late: withdraw`, as an action like a person's. Asked twice at once, the second action changes nothing. */
async function withLateWithdrawals(deps: PipelineDeps, state: SeriesState): Promise<SeriesState> {
  const replaced = lateWithdrawals(state);
  if (replaced.length === 0) return state;
  const reason = { reason: 'quality', because: 'processing', why: 'replaced by a series of all slices' } as const;
  const who = { by: 'limpid', at: new Date(deps.now()).toISOString() };
  for (const action of withdrawalActions(state, replaced, reason, who))
    await deps.spool.recordAction(state.key, action);
  return deps.spool.state(state.key);
}

/** So long a release has just been given: `advance` comes within a second of it, and once more within a minute. */
const justMs = 60_000;

async function addJob(deps: PipelineDeps, state: SeriesState, step: Step): Promise<void> {
  const { queue, spec } = jobOf(state, step);
  const isThere = await deps.queue.add(queue, spec);
  if (!isThere) return;
  const id = jobIdOf(queue, spec.data);
  // A job that was there before a person asked keeps the priority that it was added with.
  const isChanged =
    askedPriority(state) !== undefined && (await deps.queue.reprioritise(queue, id, spec.priority, spec.source));
  // It may stand in line for a peer, in whichever process: it comes with its class, and what it waits for otherwise it finds anew.
  // What was held while its peer came back, or its process was started, stands in no line: nobody else would wake it.
  if (queue === 'deliveries' && (isChanged || isJustReleased(state, deps.now()))) await deps.queue.promote(queue, id);
}

function isJustReleased({ actions }: SeriesState, nowMs: number): boolean {
  return actions.some(({ action }) => action.kind === 'release' && nowMs - Date.parse(action.at) < justMs);
}

/** The job of a step, and the queue that it goes through. */
function jobOf(state: SeriesState, step: Step): { readonly queue: QueueName; readonly spec: JobSpec } {
  const revision = state.revisions.find(({ record }) => record.revision === step.revision);
  const priority = priorityOf(state, step.revision);
  const source = revision?.record.sources[0]?.peer ?? 'unknown';
  const data = { key: state.key, revision: step.revision };
  if (step.kind === 'route') return { queue: 'series', spec: { data, priority, source } };
  const { task } = step;
  if (step.kind === 'task') return { queue: 'tasks', spec: { data: { ...data, task }, priority, source } };
  const { peer } = step;
  const queue = step.kind === 'commit' ? 'commitments' : 'deliveries';
  return { queue, spec: { data: { ...data, task, peer }, priority, source: peer } };
}

async function reportFinished(deps: PipelineDeps, state: SeriesState): Promise<void> {
  const last = state.revisions.at(-1);
  deps.log.info('series done', { key: state.key, revision: last?.record.revision });
  if (last === undefined || last.decision === null) return;
  const acceptedMs = lastAcceptedMs(last);
  if (acceptedMs === null) return;
  // Done again after what a person or a peer has done since: nothing new of its images.
  if (!(await deps.spool.noteDone(state.key, last.record.revision))) return;
  const seconds = Math.max(0, acceptedMs - Date.parse(last.record.closedAt)) / 1000;
  const { modality, priority } = last.decision;
  deps.metrics.observe('time_to_pacs_seconds', { modality, priority }, seconds);
}

/** The handler of each queue: runs the step, then asks what comes next. `stopping` ends what runs when the node drains. */
export function handlersOf(deps: PipelineDeps, stages: Stages, stopping: AbortSignal): Record<QueueName, JobHandler> {
  const andThen = async (key: Key, result: StepResult): Promise<JobResult> => {
    if (result.kind === 'later') return { retryAtMs: result.atMs };
    await advance(deps, key);
    return 'done';
  };
  return {
    series: async ({ key, revision }) => {
      await stages.route({ key, revision });
      return andThen(key, { kind: 'done' });
    },
    tasks: async ({ key, revision, task = '' }, { signal }) => {
      const job = { key, revision, task };
      if (isWithdrawalTask(task)) return andThen(key, await stages.withdraw(job));
      return andThen(key, await stages.enhance(job, AbortSignal.any([signal, stopping])));
    },
    deliveries: async ({ key, revision, task = '', peer = '' }, { priority, signal }) =>
      andThen(key, await stages.deliver({ key, revision, task, peer }, priority, AbortSignal.any([signal, stopping]))),
    commitments: async ({ key, revision, task = '', peer = '' }, { signal }) =>
      andThen(key, await stages.commit({ key, revision, task, peer }, AbortSignal.any([signal, stopping]))),
  };
}
