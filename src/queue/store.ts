// The three stores that BullMQ may stand on, behind one face. Above this file no code knows which one it is.
import { randomUUID } from 'node:crypto';
import { createPostgresBackend, createRedisBackend, isPgPool, runMigrations, withBackend } from 'bullmq';
import type { Job, JobsOptions, Processor, WorkerOptions } from 'bullmq';
import { Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import pg from 'pg';
import { within } from '../deadline.js';
import { LimpidError } from '../errors.js';
import type { Log } from '../observe/log.js';
import type { JobData } from './jobs.js';
import { keepLockInRedis } from './keep-lock.js';
import { PglitePool } from './pglite-pool.js';
import { sinceOf, waitingSinceInPostgres, waitingSinceInRedis } from './waiting-since.js';

export type StoreKind = 'embedded' | 'redis' | 'postgres';

/** The part of BullMQ's Queue that limpid uses. */
export interface BullQueue {
  add(name: string, data: JobData, options: JobsOptions): Promise<unknown>;
  getJob(id: string): Promise<Job<JobData> | undefined>;
  getJobCounts(...states: ('waiting' | 'prioritized' | 'active' | 'delayed')[]): Promise<Record<string, number>>;
  getActive(start: number, end: number): Promise<Job<JobData>[]>;
  /** The one that runs first comes first. */
  getDelayed(start: number, end: number): Promise<Job<JobData>[]>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  close(): Promise<void>;
}
export interface BullWorker {
  on(event: 'error', listener: (error: Error) => void): unknown;
  close(force?: boolean): Promise<void>;
}
export type LockedJob = Pick<Job<JobData>, 'id' | 'extendLock'>;
export const leavingEvents = ['active', 'completed', 'failed', 'delayed', 'removed'] as const;
export interface BullEvents {
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: (typeof leavingEvents)[number], listener: (job: { jobId: string }) => void): unknown;
  close(): Promise<void>;
}

export interface Store {
  readonly kind: StoreKind;
  queue(name: string): BullQueue;
  worker(name: string, run: Processor<JobData>, options: Omit<WorkerOptions, 'connection'>): BullWorker;
  events(name: string): BullEvents;
  /** Keeps the lock of a job that runs under this token, also one that has run out while nobody took the job. False: another one has it. */
  keepLock(name: string, job: LockedJob, token: string, ms: number): Promise<boolean>;
  /** Since when the job waits that has waited longest, ms since epoch, whatever its class; null: none waits. */
  waitingSince(name: string): Promise<number | null>;
  /** The store's marker, put where there is none. Another one than before: the store was emptied, whoever has put the new one. */
  mark(): Promise<string | null>;
  /** What should be mended though the store takes jobs; null: nothing. */
  notice(): Promise<string | null>;
  /** Called whenever a lost connection is back. */
  onBack(listener: () => void): void;
  close(): Promise<void>;
}

export interface StoreOptions {
  readonly url: string;
  /** Of the embedded queue. */
  readonly directory: string;
  /** Whether the volume of the embedded queue is there. */
  readonly isThere: (() => Promise<boolean>) | undefined;
  readonly log: Log;
  readonly now: () => number;
  readonly onError: (error: Error) => void;
  readonly onLost: () => void;
}

/** The braces keep all keys in one slot, so that a Redis Cluster works too; Postgres ignores it. */
const prefix = '{limpid}';
const markerKey = `${prefix}:marker`;
/** Of one command; without it a frozen Redis holds every caller. */
const commandMs = 2_000;
/**
 * How long a connection may be silent with a command on its way before it is made anew: what a firewall, a proxy or a machine that lost
 * its power has cut without a word stays open for a quarter of an hour, or for ever, and Redis may long be there.
 */
const silentMs = 5_000;
/** The same of what waits for jobs: BullMQ has Redis hold such an answer back for ten seconds. */
const silentWaitingMs = 15_000;
/** A Redis that stays a replica is connected to anew so often at most. */
const movedMs = 5_000;
/** Workers 3, their listeners, queue events 3 and queries. */
const postgresConnections = 12;

/** @throws LimpidError QUEUE_IN_USE: another process holds the embedded queue; QUEUE_UNAVAILABLE: the Postgres does not answer */
export async function openStore(options: StoreOptions): Promise<Store> {
  if (options.url === 'embedded') return openEmbedded(options);
  return options.url.startsWith('redis') ? openRedis(options) : openPostgres(options);
}

/** BullMQ makes copies of a connection for what blocks, and waits for them to connect before it closes them. */
class SharedRedis extends Redis {
  readonly #copies: Redis[] = [];
  override duplicate(override?: Partial<RedisOptions>): Redis {
    const copy = super.duplicate(override);
    this.#copies.push(copy);
    return copy;
  }
  all(): readonly Redis[] {
    return [this, ...this.#copies];
  }
}

async function openRedis({ url, onError }: StoreOptions): Promise<Store> {
  const retryStrategy = (attempt: number): number => Math.min(attempt * 100, 2000);
  let movedAtMs = -Infinity;
  // After a failover the name leads to the new master, and what is connected still to the old one, a replica by now.
  const reconnectOnError = ({ message }: Error): boolean => {
    if (!message.includes('READONLY') || performance.now() - movedAtMs < movedMs) return false;
    movedAtMs = performance.now();
    for (const one of [producer, ...consumer.all()]) if (one.status === 'ready') one.disconnect(true);
    return false;
  };
  // Producers fail at once while Redis is away (the reconciler adds later); workers wait for it.
  const producer = new Redis(url, {
    retryStrategy,
    reconnectOnError,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    commandTimeout: commandMs,
    socketTimeout: silentMs,
  });
  const consumer = new SharedRedis(url, {
    retryStrategy,
    reconnectOnError,
    maxRetriesPerRequest: null,
    socketTimeout: silentWaitingMs,
  });
  producer.on('error', onError);
  consumer.on('error', onError);
  // A command before the first connection would fail, and look like a Redis that is away.
  const connected = new Promise<void>((resolve) => {
    for (const event of ['ready', 'close'] as const) producer.once(event, () => resolve());
  });
  await within(commandMs, connected, () => undefined);
  const { Queue, Worker, QueueEvents } = withBackend(createRedisBackend);
  return {
    kind: 'redis',
    queue: (name) => new Queue<JobData>(name, { connection: producer, prefix }),
    worker: (name, run, rest) => new Worker<JobData>(name, run, { ...rest, connection: consumer, prefix }),
    events: (name) => new QueueEvents(name, { connection: consumer, prefix }),
    // By the connection that ends jobs: what was asked before the end of one is answered before it.
    keepLock: (name, { id = '' }, token, ms) => keepLockInRedis(consumer, `${prefix}:${name}`, { id, token, ms }),
    waitingSince: (name) => waitingSinceInRedis(producer, `${prefix}:${name}`),
    mark: async () => {
      await producer.set(markerKey, randomUUID(), 'NX');
      return producer.get(markerKey);
    },
    notice: async () => evictionSays(await producer.info('memory')),
    onBack: (listener) => void producer.on('ready', listener),
    close: async () => {
      producer.disconnect();
      for (const connection of consumer.all()) connection.disconnect();
    },
  };
}

/** Postgres knows a lock by its token alone: one that has run out is extended like any other. */
const extendInPostgres: Store['keepLock'] = async (_, job, token, ms) => (await job.extendLock(token, ms)) > 0;

/**
 * Whether a Redis throws keys away once it is full, from what INFO says of its memory: CONFIG is barred in many places. Without a limit
 * it never is.
 */
function evictionSays(info: string): string | null {
  const field = (name: string): string | undefined => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1];
  const policy = field('maxmemory_policy') ?? 'noeviction';
  if (policy === 'noeviction' || field('maxmemory') === '0') return null;
  return `Redis throws jobs away once its memory is full (maxmemory-policy ${policy}): set maxmemory-policy noeviction.`;
}

async function openEmbedded({ directory, isThere, log, now, onLost, onError }: StoreOptions): Promise<Store> {
  const pool = await PglitePool.open({ directory, isThere, log, now, onLost });
  pool.on('error', onError);
  const { Queue, Worker, QueueEvents } = withBackend(createPostgresBackend);
  return {
    kind: 'embedded',
    queue: (name) => new Queue<JobData>(name, { connection: pool }),
    worker: (name, run, rest) => new Worker<JobData>(name, run, { ...rest, connection: pool }),
    events: (name) => new QueueEvents(name, { connection: pool }),
    keepLock: extendInPostgres,
    waitingSince: async (name) => sinceOf((await pool.query(waitingSinceInPostgres, [name])).rows),
    mark: async () => {
      if (isThere !== undefined && !(await isThere())) throw new Error('the volume of the spool is not there');
      return null; // the pool itself notices that it was emptied
    },
    notice: () => Promise.resolve(null),
    onBack: () => undefined,
    close: () => pool.end(),
  };
}

async function openPostgres({ url, onError }: StoreOptions): Promise<Store> {
  const pool = new pg.Pool({
    connectionString: url,
    max: postgresConnections,
    keepAlive: true,
    connectionTimeoutMillis: commandMs,
    options: '-c search_path=bullmq',
  });
  pool.on('error', onError);
  pool.setMaxListeners(0);
  const migrate = async (): Promise<void> => {
    const client = await pool.connect();
    try {
      await runMigrations(client);
    } finally {
      client.release();
    }
  };
  try {
    await migrate();
  } catch (error) {
    await pool.end();
    const why = error instanceof Error ? error.message : String(error);
    throw new LimpidError('QUEUE_UNAVAILABLE', `the database of queue.url cannot be used: ${why}`, { cause: error });
  }
  // BullMQ describes the part of pg that it uses in types of its own, which those of pg miss by overloads only.
  const connection: unknown = pool;
  if (!isPgPool(connection)) throw new TypeError('pg.Pool is no pool');
  const { Queue, Worker, QueueEvents } = withBackend(createPostgresBackend);
  const putMarker = `INSERT INTO bullmq.meta (queue, field, value) VALUES ('limpid', 'marker', $1) ON CONFLICT DO NOTHING`;
  const readMarker = `SELECT value FROM bullmq.meta WHERE queue = 'limpid' AND field = 'marker'`;
  return {
    kind: 'postgres',
    queue: (name) => new Queue<JobData>(name, { connection }),
    worker: (name, run, rest) => new Worker<JobData>(name, run, { ...rest, connection }),
    events: (name) => new QueueEvents(name, { connection }),
    keepLock: extendInPostgres,
    waitingSince: async (name) => {
      const { rows } = await pool.query<{ since: string | null }>(waitingSinceInPostgres, [name]);
      return sinceOf(rows);
    },
    mark: async () => {
      await pool.query(putMarker, [randomUUID()]);
      const { rows } = await pool.query<{ value: string }>(readMarker);
      return rows[0]?.value ?? null;
    },
    notice: () => Promise.resolve(null),
    onBack: () => undefined,
    close: () => pool.end(),
  };
}
