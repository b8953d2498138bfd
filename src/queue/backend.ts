/**
 * The queue: BullMQ on an embedded Postgres, on Redis or on Postgres. It may be lost at any time; whoever asked `onLost` then adds
 * every job anew from the spool. Attempts, deaths and failures are counted in the spool, not here.
 */
import { within } from '../deadline.js';
import { LimpidError } from '../errors.js';
import type { Log } from '../observe/log.js';
import type { Metrics } from '../observe/metrics.js';
import type { Priority } from '../spool/records.js';
import { openConsumer } from './consumer.js';
import { FairShare, classOf, priorityOf } from './fair-share.js';
import { jobIdOf, queueNames } from './jobs.js';
import type { Consumer, JobHandler, JobSpec, QueueCounts, QueueName } from './jobs.js';
import { inRedisWords } from './redis-says.js';
import { promoteDelayed } from './set-back.js';
import { stillSo } from './still-so.js';
import { removeStray } from './stray.js';
import { leavingEvents, openStore } from './store.js';
import type { BullEvents, StoreKind } from './store.js';
import { Upkeep } from './upkeep.js';

export interface QueueOptions {
  /** `embedded`, `redis://...` or `postgres://...`, with the password in it. */
  readonly url: string;
  /** Where the embedded queue lives. */
  readonly directory: string;
  /** Whether the volume of the embedded queue is there; absent: it always is. */
  readonly isThere?: () => Promise<boolean>;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => number;
}

export interface QueueBackend {
  readonly kind: StoreKind;
  /**
   * Adds a job; a job that is there already (waiting, delayed or running) is left as it is.
   *
   * @returns false where the queue did not take it within 2 s: the caller goes on, the reconciler adds it later
   */
  add(queue: QueueName, job: JobSpec): Promise<boolean>;
  /** Takes jobs of one queue, at most `concurrency` at once in this process. */
  work(queue: QueueName, concurrency: number, handler: JobHandler): Consumer;
  /** Runs a delayed job now. False where there is none. */
  promote(queue: QueueName, id: string): Promise<boolean>;
  /** Gives a waiting or delayed job another class. False where there is none, or it is of that class already. */
  reprioritise(queue: QueueName, id: string, priority: Priority, source: string): Promise<boolean>;
  /** Takes a job out that does not run. False where there is none. */
  remove(queue: QueueName, id: string): Promise<boolean>;
  has(queue: QueueName, id: string): Promise<boolean>;
  /** Whether a job runs now, in whichever process. */
  runs(queue: QueueName, id: string): Promise<boolean>;
  counts(): Promise<Readonly<Record<QueueName, QueueCounts>>>;
  /**
   * Asks whether the store takes jobs: one that is full, or a replica of another, only answers.
   *
   * @throws LimpidError QUEUE_UNAVAILABLE
   */
  probe(): Promise<void>;
  /**
   * What should be mended though the store takes jobs; null: nothing.
   *
   * @throws LimpidError QUEUE_UNAVAILABLE
   */
  notice(): Promise<string | null>;
  /** Calls back when the store turns out to have been emptied; every job must be added anew. */
  onLost(listener: () => void): void;
  /** Ends workers (running jobs are waited for) and connections. */
  close(): Promise<void>;
}

/** Jobs that wait for routing and enhancing; what waits for a destination lies in the spool and is bounded by the disk. */
export const backlogOf = ({ series, tasks }: Readonly<Record<QueueName, QueueCounts>>): number =>
  series.waiting + tasks.waiting;

const answerMs = 2_000;
/** How often a store is looked at: does its marker stand, did a process with jobs die. */
const roundMs = 10_000;
/** Errors of a store that is away come from each connection every two seconds. */
const errorLogMs = 30_000;
const keysThrownAway =
  'Redis has thrown keys of the queue away, jobs are added anew: give it more memory, and set maxmemory-policy noeviction';

function forEachQueue<T>(make: (name: QueueName) => T): Readonly<Record<QueueName, T>> {
  return {
    series: make('series'),
    tasks: make('tasks'),
    deliveries: make('deliveries'),
    commitments: make('commitments'),
  };
}

/**
 * Opens the queue. Redis may be away meanwhile; the embedded queue is ready when this returns (first start about ten seconds).
 *
 * @throws LimpidError QUEUE_IN_USE: another process holds the embedded queue; QUEUE_UNAVAILABLE: the Postgres does not answer
 */
export async function openQueue({ url, directory, isThere, log, metrics, now }: QueueOptions): Promise<QueueBackend> {
  const listeners: (() => void)[] = [];
  const share = forEachQueue(() => new FairShare());
  const consumers = new Set<Consumer>();
  const events = new Map<QueueName, BullEvents>();
  let closing = false;
  let loggedAtMs = -Infinity;
  /** What the store's connections said last, until a question is answered again: a password refused, nobody that listens. */
  let fault: Error | null = null;

  const onError = (error: Error): void => {
    if (closing) return;
    metrics.inc('failures_total', { code: 'QUEUE_UNAVAILABLE' });
    if (Math.abs(now() - loggedAtMs) < errorLogMs) return; // either way: the clock may be set back
    loggedAtMs = now();
    log.warn('the queue reports an error', { error: inRedisWords(error) });
  };
  const onLost = (): void => {
    if (closing) return;
    for (const name of queueNames) share[name].clear();
    log.warn('the queue was emptied: its jobs are added anew from the spool');
    for (const listener of listeners) listener();
  };
  const onFault = (error: Error): void => {
    fault = inRedisWords(error);
    onError(error);
  };
  const store = await openStore({ url, directory, isThere, log, now, onError: onFault, onLost });
  const queues = forEachQueue((name) => store.queue(name));
  for (const name of queueNames) queues[name].on('error', onError);

  /** Asks the store; whatever goes wrong there is QUEUE_UNAVAILABLE. */
  async function ask<T>(what: string, question: () => Promise<T>): Promise<T> {
    try {
      // BullMQ waits without limit while its store is away.
      const answer = await within(answerMs, question(), () => {
        const says = `${what}: no answer within ${answerMs} ms`;
        throw new LimpidError('QUEUE_UNAVAILABLE', says, fault === null ? {} : { cause: fault });
      });
      fault = null;
      return answer;
    } catch (error) {
      if (error instanceof LimpidError) throw error;
      const why = fault ?? (error instanceof Error ? inRedisWords(error) : error);
      throw new LimpidError('QUEUE_UNAVAILABLE', `${what}: the queue does not answer`, { cause: why });
    }
  }

  /** Fair shares need to know when a job stops waiting, in whichever process. */
  function watch(name: QueueName): void {
    if (events.has(name) || closing) return;
    const opened = store.events(name);
    opened.on('error', onError);
    for (const event of leavingEvents) opened.on(event, ({ jobId }) => share[name].left(jobId));
    events.set(name, opened);
  }

  async function countsOf(name: QueueName): Promise<QueueCounts> {
    const found = await queues[name].getJobCounts('waiting', 'prioritized', 'active', 'delayed');
    const sinceMs = await store.waitingSince(name);
    const waiting = (found['waiting'] ?? 0) + (found['prioritized'] ?? 0);
    const oldestSeconds = sinceMs === null ? null : Math.max(0, (now() - sinceMs) / 1000);
    return { waiting, active: found['active'] ?? 0, delayed: found['delayed'] ?? 0, oldestSeconds };
  }

  const counts: QueueBackend['counts'] = () =>
    ask('counts', async () => {
      // At once: one after the other, a Redis that is slow or far away would not have answered all in time.
      const [series, tasks, deliveries, commitments] = await Promise.all([
        countsOf('series'),
        countsOf('tasks'),
        countsOf('deliveries'),
        countsOf('commitments'),
      ]);
      return { series, tasks, deliveries, commitments };
    });
  const upkeep = new Upkeep({ store, queues, log, now, ask, onError, onLost });
  const timer = setInterval(() => void upkeep.round(), roundMs);
  timer.unref();
  store.onBack(() => void upkeep.look());
  await upkeep.begin();

  return {
    kind: store.kind,
    add: async (name, { data, priority, source }) => {
      const id = jobIdOf(name, data);
      const rank = priorityOf(priority, share[name].waitingOf(source, priority));
      const isNew = share[name].added(id, source, priority);
      try {
        watch(name);
        const options = { jobId: id, priority: rank, attempts: 1, removeOnComplete: true, removeOnFail: true };
        const isStray = await ask('add', async () => {
          const removed = store.kind === 'redis' && (await removeStray(() => queues[name].getJob(id)));
          await queues[name].add(name, data, options);
          return removed;
        });
        if (isStray) onError(new LimpidError('QUEUE_UNAVAILABLE', keysThrownAway));
        return true;
      } catch (error) {
        if (isNew) share[name].left(id);
        onError(error instanceof Error ? error : new Error(String(error)));
        return false;
      }
    },
    work: (name, concurrency, handler) => {
      const consumer = openConsumer({ store, log, metrics, now, onError }, name, concurrency, handler);
      consumers.add(consumer);
      return {
        close: async () => {
          await consumer.close();
          consumers.delete(consumer);
        },
      };
    },
    promote: (name, id) =>
      ask('promote', async () => {
        const job = await queues[name].getJob(id);
        if (job === undefined || !(await job.isDelayed())) return false;
        return promoteDelayed(job);
      }),
    reprioritise: (name, id, priority, source) =>
      ask('reprioritise', async () => {
        const job = await queues[name].getJob(id);
        if (job === undefined || classOf(job.priority) === priority || (await job.isActive())) return false;
        await job.changePriority({ priority: priorityOf(priority, share[name].waitingOf(source, priority)) });
        return true;
      }),
    remove: (name, id) =>
      ask('remove', async () => {
        const job = await queues[name].getJob(id);
        if (job === undefined || (await job.isActive())) return false;
        return stillSo(
          () => job.remove(),
          async () => !(await job.isActive()),
        );
      }),
    has: (name, id) => ask('has', async () => (await queues[name].getJob(id)) !== undefined),
    runs: (name, id) => ask('runs', async () => (await (await queues[name].getJob(id))?.isActive()) ?? false),
    counts,
    probe: () => upkeep.probe(),
    notice: () => ask('notice', () => store.notice()),
    onLost: (listener) => void listeners.push(listener),
    close: async () => {
      closing = true;
      clearInterval(timer);
      await Promise.all([...consumers].map((consumer) => consumer.close()));
      const rest = [...events.values(), ...queueNames.map((name) => queues[name])];
      // A store that is away answers no goodbye.
      await within(answerMs, Promise.all(rest.map((part) => part.close())), () => undefined).catch(() => undefined);
      await store.close();
    },
  };
}
