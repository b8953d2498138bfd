/**
 * The embedded queue's database behind the small part of pg.Pool that BullMQ uses. One PGlite is one Postgres session: queries
 * go one after the other, a transaction keeps the session from BEGIN to COMMIT, LISTEN and search_path are everybody's.
 *
 * The queue is a cache of the spool, so nothing here is worth a refusal: a directory that does not open, or that breaks while it
 * runs, is moved aside, and an empty one takes its place (`onLost`).
 */
import { EventEmitter } from 'node:events';
import { access, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runMigrations } from 'bullmq';
import { LimpidError } from '../errors.js';
import type { Log } from '../observe/log.js';
import { lockDirectory } from './directory-lock.js';
import type { ProcessLock } from '../spool/process-lock.js';
import { PgliteError, openEngine } from './pglite-engine.js';
import type { Engine, EngineResult } from './pglite-engine.js';

const schema = 'bullmq';
const brokenPrefix = 'pgdata.broken-';
/** Quarantined directories are kept for a look, but not for ever. */
const brokenKept = 2;
/** A database that breaks again this soon after it was opened is put in quarantine. */
const soonMs = 60_000;
const againMs = 5_000;
/** A folder whose files are the same after so long is not being deleted. */
const stillMs = 2_000;

export interface PglitePoolOptions {
  readonly directory: string;
  readonly log: Log;
  readonly now: () => number;
  /** What the queue held is gone. */
  readonly onLost: () => void;
  /** Whether the volume of the directory is there. While it is away nothing is made in its place. Absent: it always is. */
  readonly isThere?: (() => Promise<boolean>) | undefined;
}

/** Waits for all before it; `release` lets the next one in. */
class Mutex {
  #tail: Promise<void> = Promise.resolve();
  async acquire(): Promise<() => void> {
    let release: () => void = () => undefined;
    const before = this.#tail;
    this.#tail = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    return release;
  }
}

/** One opening of the database; a later one replaces it whole. */
interface Session {
  readonly engine: Engine;
  readonly mutex: Mutex;
}

/** Files or pages are gone or wrong (SQLSTATE classes 58 and XX), or WebAssembly gave up: only a new opening helps. */
function isBroken(error: unknown): boolean {
  if (!(error instanceof PgliteError)) return false;
  return (
    /^(58|XX)/.test(error.code ?? '') || /Aborted\(|unreachable|out of bounds|is closed|thread/.test(error.message)
  );
}

export class PglitePool extends EventEmitter {
  /** BullMQ then waits for notifications up to an hour: there is no socket that could drop silently. */
  readonly options = { keepAlive: true };
  readonly #options: PglitePoolOptions;
  readonly #data: string;
  readonly #clients = new Set<PgliteClient>();
  #lock: ProcessLock | null = null;
  #session: Promise<Session>;
  #openedAtMs = 0;
  #closing = false;

  private constructor(options: PglitePoolOptions) {
    super();
    this.setMaxListeners(0);
    this.#options = options;
    this.#data = join(options.directory, 'pgdata');
    this.#session = Promise.reject(new LimpidError('QUEUE_UNAVAILABLE', 'the embedded queue is not open yet'));
    this.#session.catch(() => undefined); // nobody may have asked yet
  }

  /** @throws LimpidError QUEUE_IN_USE, or what the file system says of `directory` */
  static async open(options: PglitePoolOptions): Promise<PglitePool> {
    const pool = new PglitePool(options);
    await pool.#takeDirectory();
    try {
      await pool.#start('start');
    } catch (error) {
      await pool.#lock?.release();
      throw error;
    }
    return pool;
  }

  async query(text: string, params?: readonly unknown[]): Promise<EngineResult> {
    const session = await this.#session;
    const release = await session.mutex.acquire();
    try {
      return await this.#run(session, text, params);
    } finally {
      release();
    }
  }

  /** The session for a transaction; `release` gives it back. */
  async begin(): Promise<{ run(text: string, params?: readonly unknown[]): Promise<EngineResult>; release(): void }> {
    const session = await this.#session;
    const release = await session.mutex.acquire();
    return { run: (text, params) => this.#run(session, text, params), release };
  }

  connect(): Promise<PgliteClient> {
    const client = new PgliteClient(this, () => this.#clients.delete(client));
    this.#clients.add(client);
    return Promise.resolve(client);
  }

  async end(): Promise<void> {
    this.#closing = true;
    const session = await this.#session.catch(() => null);
    try {
      await session?.engine.close();
    } finally {
      await this.#lock?.release();
    }
  }

  async #run(session: Session, text: string, params?: readonly unknown[]): Promise<EngineResult> {
    try {
      return await session.engine.query(text, params);
    } catch (error) {
      if (isBroken(error)) this.#broke(session, error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  async #takeDirectory(): Promise<void> {
    const { directory, now, isThere } = this.#options;
    await mkdir(directory, { recursive: true });
    const lock = await lockDirectory(directory, { now, isThere }, () => {
      void this.#session.then(
        (session) => {
          // Another lock by now: a query had found it too, and the session that came of it is sound.
          if (this.#lock === lock) this.#broke(session, 'its directory was removed');
        },
        () => undefined, // being opened anew already
      );
    });
    this.#lock = lock;
  }

  /** Opens the database, after a fault with an empty one in place of what does not open. */
  async #start(why: 'start' | 'again' | 'empty'): Promise<Session> {
    const { log } = this.#options;
    if (why === 'empty') await this.#quarantine();
    const isNew = !(await exists(this.#data));
    if (isNew) log.info('preparing the queue', { takes: 'about ten seconds, once' });
    let session: Session;
    try {
      session = await this.#openDatabase();
    } catch (error) {
      if (isNew) throw error;
      log.error('the embedded queue does not open: moved aside, an empty one takes its place', { error });
      return this.#start('empty');
    }
    this.#session = Promise.resolve(session);
    this.#openedAtMs = this.#options.now();
    if (isNew && why !== 'start') this.#options.onLost();
    return session;
  }

  async #openDatabase(): Promise<Session> {
    const engine = await openEngine(this.#data, {
      notification: (channel, payload) => {
        for (const client of this.#clients) client.emit('notification', { channel, payload });
      },
      ended: () => {
        void this.#session.then(
          (current) => {
            if (current.engine === engine) this.#broke(current, 'its thread ended');
          },
          () => undefined, // being opened anew already
        );
      },
    });
    try {
      // Migrations want one client of their own; the session is nobody else's yet.
      await runMigrations({ query: async (text, params) => await engine.query(text, params) }, schema);
      await engine.query(`SET search_path TO "${schema}"`);
    } catch (error) {
      await engine.kill();
      throw error;
    }
    return { engine, mutex: new Mutex() };
  }

  /** Puts a new session in the place of a broken one, once. Queries wait for it. */
  #broke(session: Session, reason: string): void {
    if (this.#closing) return;
    const broken = this.#session;
    const next = broken.then(async (current) => {
      if (current !== session || this.#closing) return current;
      this.#options.log.error('the embedded queue broke: opened anew', { reason });
      return this.#reopen(current);
    });
    this.#session = next;
    next.catch(() => undefined); // the next query tells; reopening goes on by itself
  }

  async #reopen(broken: Session): Promise<Session> {
    await broken.engine.kill();
    let why: 'again' | 'empty' = this.#options.now() - this.#openedAtMs < soonMs ? 'empty' : 'again';
    for (;;) {
      try {
        await this.#untilStill();
        await this.#lock?.release();
        await this.#takeDirectory();
        const session = await this.#start(why);
        // BullMQ takes a client's error as a lost connection: it connects anew and listens again.
        const error = new LimpidError('QUEUE_UNAVAILABLE', 'the embedded queue was opened anew');
        for (const client of Array.from(this.#clients)) client.emit('error', error);
        return session;
      } catch (error) {
        if (this.#closing) throw error;
        this.#options.log.error('the embedded queue does not open', { error });
        why = 'empty';
        await delay(againMs, undefined, { ref: false });
      }
    }
  }

  /**
   * Waits for the volume, and for whoever deletes the directory: a new database would be deleted with the old one, and prepared again
   * and again.
   */
  async #untilStill(): Promise<void> {
    const { directory, log, isThere = () => Promise.resolve(true) } = this.#options;
    let isTold = false;
    for (let before: number | null = null; ;) {
      if (this.#closing) throw new LimpidError('QUEUE_UNAVAILABLE', 'the embedded queue is being closed');
      const isAway = !(await isThere());
      if (isAway && !isTold) log.error('the embedded queue waits for the volume of the spool: check its mount');
      isTold ||= isAway;
      const found = isAway ? null : await filesIn(directory);
      if (found !== null && found === before) return;
      before = found;
      await delay(stillMs, undefined, { ref: false });
    }
  }

  async #quarantine(): Promise<void> {
    const { directory, now } = this.#options;
    if (!(await exists(this.#data))) return;
    await rename(this.#data, join(directory, `${brokenPrefix}${new Date(now()).toISOString().replaceAll(':', '')}`));
    const kept = (await readdir(directory)).filter((name) => name.startsWith(brokenPrefix)).sort();
    for (const name of kept.slice(0, -brokenKept)) await rm(join(directory, name), { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

/** How many files and folders a folder holds, which may be gone; null: some went while they were counted. */
async function filesIn(folder: string): Promise<number | null> {
  try {
    return (await readdir(folder, { recursive: true })).length;
  } catch {
    return (await exists(folder)) ? null : 0;
  }
}

/** What `connect` gives: keeps the session to itself from BEGIN to COMMIT or ROLLBACK. */
export class PgliteClient extends EventEmitter {
  readonly #pool: PglitePool;
  readonly #forget: () => void;
  #transaction: Awaited<ReturnType<PglitePool['begin']>> | null = null;

  constructor(pool: PglitePool, forget: () => void) {
    super();
    this.setMaxListeners(0);
    this.#pool = pool;
    this.#forget = forget;
  }

  async query(text: string, params?: readonly unknown[]): Promise<EngineResult> {
    if (this.#transaction === null && /^\s*BEGIN\b/i.test(text)) {
      const transaction = await this.#pool.begin();
      try {
        const result = await transaction.run(text);
        this.#transaction = transaction;
        return result;
      } catch (error) {
        transaction.release();
        throw error;
      }
    }
    if (this.#transaction === null) return this.#pool.query(text, params);
    try {
      return await this.#transaction.run(text, params);
    } finally {
      if (/^\s*(COMMIT|ROLLBACK)\b/i.test(text)) this.#endTransaction();
    }
  }

  release(): void {
    this.#endTransaction();
    this.#forget();
  }

  #endTransaction(): void {
    this.#transaction?.release();
    this.#transaction = null;
  }
}
