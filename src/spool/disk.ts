// The threads that wait for the spool's disk.
import { openPool } from '../threads/pool.js';
import type { Pool } from '../threads/pool.js';
import type { FileDone, FileJob } from './disk-job.js';
import type { DiskMethods } from './disk-thread.js';
import type { SyncPolicy } from './write-once.js';

const module = new URL('./disk-thread.js', import.meta.url);
/**
 * Writers at most, 8 MB each. Without syncing a local disk keeps one busy, and a second goes on while a network volume lets the first
 * wait. Who syncs waits for the disk most of the time, and it takes several files at once.
 */
const writers = { never: 2, always: 4 } as const;
const closingMs = 1000;

/** What a disk thread was asked has failed, with the file system's code; what is open stays open. */
export class DiskFailure extends Error {
  readonly code: string;
  /** Of the file that a job was for; null: closed, or none. */
  readonly descriptor: number | null;

  constructor({ code, message }: { code: string; message: string }, descriptor: number | null) {
    super(message);
    this.code = code;
    this.descriptor = descriptor;
  }
}

export class Disk {
  readonly #writers: Pool<DiskMethods>;
  /** By itself: a series that closes must not hold up one that arrives. */
  readonly #hashers = openPool<DiskMethods>(module, 1);

  constructor(policy: SyncPolicy) {
    this.#writers = openPool<DiskMethods>(module, writers[policy]);
  }

  /** Starts a writer and the hasher; resolves when they run. Further writers start when those that there are are busy. */
  async start(): Promise<void> {
    const pools = [this.#writers, this.#hashers];
    await Promise.all(pools.map((pool) => pool.least().call('ready', null, { deadlineMs: null })));
  }

  /** @throws DiskFailure; LimpidError INTERNAL: the thread has ended */
  async run(job: FileJob): Promise<FileDone> {
    const done = await this.#writers.least().call('file', job, { deadlineMs: null });
    if ('code' in done) throw new DiskFailure(done, done.descriptor);
    return done;
  }

  /** SHA-256 of the data sets of files that limpid wrote. @throws DiskFailure */
  async sha256(files: readonly string[]): Promise<readonly string[]> {
    const answer = await this.#hashers.least().call('sha256', files, { deadlineMs: null });
    if ('code' in answer) throw new DiskFailure(answer, null);
    return answer;
  }

  async close(): Promise<void> {
    const closing = this.#writers.all().map((thread) => thread.call('close', null, { deadlineMs: closingMs }));
    await Promise.allSettled(closing); // one that the disk holds up is ended all the same
    await Promise.all([...this.#writers.all(), ...this.#hashers.all()].map((thread) => thread.end()));
  }
}
