// One task job: everything around the child's run. What it publishes is decided from the spool's files alone.
import { setInterval as every } from 'node:timers/promises';
import { derivedSeriesUid, sourceSetDigest } from '../dicom/uid.js';
import { LimpidError, failureCodeOf } from '../errors.js';
import type { FailureCode } from '../errors.js';
import type { Log } from '../observe/log.js';
import type { Metrics } from '../observe/metrics.js';
import type { StepResult } from '../queue/jobs.js';
import type { Key } from '../spool/key.js';
import type { DecisionRecord, OutcomeRecord, ResolvedTask, SeriesRecord } from '../spool/records.js';
import { isCurrent } from '../spool/is-current.js';
import { outcomeWithout } from '../spool/outcome-without.js';
import type { Spool } from '../spool/spool.js';
import { isDiscarded, isSpare, isTaskHeld } from '../spool/state.js';
import type { RevisionState, SeriesState, TaskState } from '../spool/state.js';
import { pipelineNumber } from '../version.js';
import { ChildNotStarted } from './child-not-started.js';
import { attemptWaitMs, decideAttempt, faultWaitMs } from './decide-attempt.js';
import type { TaskOrder, TaskReport } from './order.js';
import { countQuality } from './quality-figures.js';

export interface PerformDeps {
  readonly spool: Spool;
  /** Runs an order in a child; throws LimpidError ENHANCE_* when the child does not come back with a report. */
  readonly run: (order: TaskOrder, signal: AbortSignal) => Promise<TaskReport>;
  readonly modelsDirectory: string;
  readonly ownModelsDirectory: string | null;
  /** Free space, in bytes, that a result must leave. */
  readonly criticalBytes: number;
  readonly node: TaskOrder['node'];
  /** Told of each outcome that a task of a series has come to; it is waited for, and never throws. */
  readonly ended?: ((series: SeriesRecord, outcome: OutcomeRecord) => Promise<void>) | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => number;
}

/** How long a task waits for space before it looks again. */
const roomWaitMs = 60_000;

/** Faults of the volume or the machine, which the next series would meet as well. */
const faultsOfTheMachine: readonly FailureCode[] = ['SPOOL_UNUSABLE', 'NODE_DESCRIPTORS'];

/** How often a running task looks whether its result is still wanted: whether no later revision has superseded it, and nobody discarded it. */
const wantedEveryMs = 2_000;

/** Runs one task of one revision, unless its outcome is there already. Safe to repeat; two at once publish one result. */
export async function performTask(
  deps: PerformDeps,
  job: { readonly key: Key; readonly revision: number; readonly task: string },
  signal: AbortSignal,
): Promise<StepResult> {
  const state = await deps.spool.state(job.key);
  const revision = state.revisions.find(({ record }) => record.revision === job.revision);
  const task = revision?.decision?.tasks.find(({ name }) => name === job.task);
  if (revision?.decision === undefined || revision.decision === null || task === undefined) return { kind: 'done' };
  const taskState = revision.tasks.get(job.task);
  if (taskState === undefined || taskState.outcome !== null) return { kind: 'done' };
  if (isSpare(revision, task)) return { kind: 'done' };
  if (isTaskHeld(state, revision, task) || isDiscarded(state, job.revision, job.task, null)) return { kind: 'done' };
  const end = (outcome: OutcomeRecord, folder: string | null): Promise<StepResult> =>
    publish(deps, revision.record, revision.decision, outcome, folder);

  const blocking = task.gate.reasons[0];
  if (task.gate.verdict === 'skip' && blocking !== undefined) {
    return end(outcomeWithout(deps.now(), task, 'skipped', blocking.code, blocking.detail), null);
  }
  const earlier = sameResult(state, revision, task);
  if (earlier !== null) return end(earlier, null);
  const attempt = decideAttempt(taskState);
  if (attempt.kind === 'give-up')
    return end(outcomeWithout(deps.now(), task, 'failed', 'POISON', attempt.detail), null);

  if (signal.aborted) return { kind: 'later', atMs: deps.now() }; // no attempt of this task's own
  if (!(await hasRoom(deps, revision.record))) return { kind: 'later', atMs: deps.now() + roomWaitMs };

  const number = await deps.spool.recordAttempt(job.key, job.revision, job.task);
  const folder = await deps.spool.freshFolder('task');
  const unwanted = new AbortController();
  const watching = watchWhileWanted(deps.spool, job, state, unwanted);
  watching.catch(() => unwanted.abort()); // awaited below, where its failure is thrown
  try {
    const { outcome } = await deps.run(
      {
        series: revision.record,
        task,
        sources: revision.record.instances.map(({ file, sopInstanceUid }) => ({
          file: deps.spool.layout.instance(job.key, file),
          sopInstanceUid,
        })),
        outDir: folder,
        modelsDirectory: deps.modelsDirectory,
        ownModelsDirectory: deps.ownModelsDirectory,
        node: deps.node,
        startedAtMs: deps.now(),
      },
      AbortSignal.any([signal, unwanted.signal]),
    );
    return await end(outcome, folder);
  } catch (error) {
    await deps.spool.dropFolder(folder);
    if (unwanted.signal.aborted) return { kind: 'done' };
    const hasFallback = revision.decision.tasks.some(({ insteadOf }) => insteadOf === task.name);
    return await afterFailure({ ...deps, hasFallback }, job, number, taskState, asLimpidError(error), (code, detail) =>
      end(outcomeWithout(deps.now(), task, 'failed', code, detail), null),
    );
  } finally {
    unwanted.abort();
    await watching;
  }
}

/** Answers whether the volume has room for a result as large as its source, and is not full after it. */
async function hasRoom(deps: PerformDeps, { key, instances }: SeriesRecord): Promise<boolean> {
  const needed = deps.criticalBytes + instances.reduce((sum, { bytes }) => sum + bytes, 0);
  const free = await deps.spool.freeBytes();
  if (free >= needed) return true;
  deps.metrics.inc('failures_total', { code: 'SPOOL_FULL' });
  deps.log.warn('a task waits for space in the spool', { key, needed, free });
  return false;
}

async function afterFailure(
  deps: PerformDeps & { readonly hasFallback: boolean },
  job: { key: Key; revision: number; task: string },
  number: number,
  { started, died, drained }: TaskState,
  failure: LimpidError,
  giveUp: (code: FailureCode | 'POISON', detail: string) => Promise<StepResult>,
): Promise<StepResult> {
  if (failure.code === 'ENHANCE_DRAINED') {
    await deps.spool.recordAttemptEnd(job.key, job.revision, job.task, number, 'drained', failure);
    return { kind: 'later', atMs: deps.now() };
  }
  deps.metrics.inc('failures_total', { code: failure.code });
  deps.log.error('a task failed', { ...job, code: failure.code, error: failure });
  if (failure.code === 'SPOOL_FULL') {
    // Not the task's fault either, and it must not end as POISON because nobody has freed space yet.
    await deps.spool.recordAttemptEnd(job.key, job.revision, job.task, number, 'drained', failure);
    return { kind: 'later', atMs: deps.now() + roomWaitMs };
  }
  // What was too slow once is too slow again: its fallback waits.
  const tooSlow = failure.code === 'ENHANCE_DEADLINE' && deps.hasFallback;
  if (failure.next === 'reject' || tooSlow) return giveUp(failure.code, failure.message);
  const isTheMachines = failure instanceof ChildNotStarted || faultsOfTheMachine.includes(failure.code);
  const now = { started: started + 1, died: isTheMachines ? died : died + 1, drained };
  if (!isTheMachines) await deps.spool.recordAttemptEnd(job.key, job.revision, job.task, number, 'died', failure);
  const after = decideAttempt(now);
  if (after.kind === 'give-up')
    return giveUp('POISON', `${after.detail}; the last time ${failure.code}: ${failure.message}`);
  const waitMs = isTheMachines ? faultWaitMs(now.started - drained) : attemptWaitMs(now.died);
  return { kind: 'later', atMs: deps.now() + waitMs };
}

async function publish(
  deps: PerformDeps,
  record: SeriesRecord,
  decision: DecisionRecord | null,
  outcome: OutcomeRecord,
  folder: string | null,
): Promise<StepResult> {
  const first = await deps.spool.publishOutcome(record.key, record.revision, outcome, folder);
  if (!first) return { kind: 'done' };
  await deps.ended?.(record, outcome);
  const modality = decision?.modality ?? 'other';
  const priority = decision?.priority ?? 'routine';
  deps.metrics.inc('tasks_total', { modality, outcome: outcome.outcome });
  const model = decision?.tasks.find(({ name }) => name === outcome.task)?.model.id;
  if (outcome.outcome === 'enhanced' && model !== undefined) countQuality(deps.metrics, model, outcome);
  if (outcome.outcome === 'skipped' && outcome.code !== null)
    deps.metrics.inc('tasks_skipped_total', { reason: outcome.code });
  const seconds = (Date.parse(outcome.endedAt) - Date.parse(outcome.startedAt)) / 1000;
  deps.metrics.observe('stage_seconds', { stage: 'enhance', modality, priority }, seconds);
  deps.log.info('task ended', {
    key: record.key,
    revision: record.revision,
    task: outcome.task,
    outcome: outcome.outcome,
    code: outcome.code,
    provider: outcome.provider,
    slices: outcome.instances.length,
    seconds,
  });
  return { kind: 'done' };
}

/** The outcome of an earlier revision that made the very same derived series, pointing there; null where there is none. */
function sameResult(state: SeriesState, revision: RevisionState, task: ResolvedTask): OutcomeRecord | null {
  const uid = derivedSeriesUid({
    sourceSeriesInstanceUid: revision.record.seriesInstanceUid,
    modelId: task.model.id,
    modelVersion: task.model.version,
    modelSha256: task.model.sha256,
    settingsSha256: task.settingsSha256,
    sourceSetDigest: sourceSetDigest(revision.record.instances.map(({ sopInstanceUid }) => sopInstanceUid)),
    pipeline: pipelineNumber,
    remake: revision.record.remake,
  });
  for (const earlier of state.revisions) {
    if (earlier.record.revision >= revision.record.revision || earlier.swept) continue;
    const outcome = earlier.tasks.get(task.name)?.outcome;
    if (outcome?.seriesInstanceUid === uid) return { ...outcome, sameAs: outcome.sameAs ?? earlier.record.revision };
  }
  return null;
}

/** Aborts once the task has an outcome by whomever, or a person has discarded it: a device is not kept for what nobody waits for. */
async function watchWhileWanted(
  spool: Spool,
  job: { key: Key; revision: number; task: string },
  begun: SeriesState,
  unwanted: AbortController,
): Promise<void> {
  let state = begun;
  try {
    for await (const _ of every(wantedEveryMs, undefined, { signal: unwanted.signal })) {
      if (await spool.hasOutcome(job.key, job.revision, job.task)) unwanted.abort();
      // Thousands of records are read again only where there is something new among them.
      if (await isCurrent(spool.layout, state)) continue;
      state = await spool.state(job.key);
      if (isDiscarded(state, job.revision, job.task, null)) unwanted.abort();
    }
  } catch (error) {
    if (!unwanted.signal.aborted) throw error;
  }
}

function asLimpidError(error: unknown): LimpidError {
  if (error instanceof LimpidError) return error;
  return new LimpidError(failureCodeOf(error), error instanceof Error ? error.message : 'a task failed', {
    cause: error,
  });
}
