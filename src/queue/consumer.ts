// Runs a queue's jobs one process's share at a time, and turns what a handler says into what BullMQ does.
import { DelayedError } from 'bullmq';
import { LimpidError, failureCodeOf } from '../errors.js';
import type { Log } from '../observe/log.js';
import type { Metrics } from '../observe/metrics.js';
import type { Consumer, JobHandler, JobResult, QueueName } from './jobs.js';
import { classOf } from './fair-share.js';
import { keepLock } from './keep-lock.js';
import { ownWorkerName } from './orphans.js';
import type { Store } from './store.js';

/** A job whose worker is gone is taken over after its lock (30 s) and one check, where its death is not known sooner (orphans.ts). */
const lockDuration = 30_000;
const stalledInterval = 7_500;
/** After a fault of the store a worker asks again; BullMQ itself lets it rest for 15 s, which a job then waits. */
const runRetryDelay = 5_000;
/** Deaths are counted in the spool, which gives a poisonous task up; the queue always hands the job out again. */
const maxStalledCount = 1_000_000;
/** A step that failed for an unforeseen reason runs again after this long. */
const againMs = 60_000;
/** How long a worker waits at most when it closes while its store is away. */
const closeMs = 5_000;
/** How long it is waited for then: a store that refuses its password answers nothing at all. */
const leaveMs = 1_000;

export interface ConsumerDeps {
  readonly store: Store;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => number;
  readonly onError: (error: Error) => void;
}

/** Starts to take jobs; at most `concurrency` run at once. */
export function openConsumer(deps: ConsumerDeps, queue: QueueName, concurrency: number, handler: JobHandler): Consumer {
  const running = new Map<string, AbortController>();
  const worker = deps.store.worker(
    queue,
    async (job, token) => {
      const id = job.id ?? '';
      const abort = new AbortController();
      running.set(id, abort);
      const release = keepLock(() => deps.store.keepLock(queue, job, token ?? '', lockDuration), {
        lost: () => abort.abort(new LimpidError('QUEUE_UNAVAILABLE', 'the lock of the job is lost')),
        failed: deps.onError,
      });
      const ended = (): void => {
        // One whose lock was lost may have begun anew here meanwhile.
        if (running.get(id) === abort) running.delete(id);
      };
      try {
        const run = () => handler(job.data, { id, priority: classOf(job.priority), signal: abort.signal });
        // A store that is away takes no answer, and who closes waits for the work alone.
        const result = await settled(deps, queue, id, run).finally(ended);
        if (result === 'done') return;
        await job.moveToDelayed(result.retryAtMs, token);
        throw new DelayedError();
      } finally {
        release();
      }
    },
    {
      name: ownWorkerName(),
      concurrency,
      lockDuration,
      skipLockRenewal: true,
      stalledInterval,
      maxStalledCount,
      runRetryDelay,
    },
  );
  worker.on('error', deps.onError);
  return {
    close: async () => {
      // BullMQ waits for running jobs, and without limit for a store that is away.
      const closing = worker.close();
      while (running.size > 0) await Promise.race([closing, pause(100)]);
      await Promise.race([closing, pause(closeMs).then(() => Promise.race([worker.close(true), pause(leaveMs)]))]);
    },
  };
}

/** The one place that ends a job's faults: logged, counted, and tried again where that can help. */
async function settled(
  deps: ConsumerDeps,
  queue: QueueName,
  id: string,
  run: () => Promise<JobResult>,
): Promise<JobResult> {
  try {
    return await run();
  } catch (error) {
    const code = failureCodeOf(error);
    const again = !(error instanceof LimpidError) || error.next === 'retry';
    deps.log.error('job failed', { queue, job: id, code, error, again });
    deps.metrics.inc('failures_total', { code });
    return again ? { retryAtMs: deps.now() + againMs } : 'done';
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
