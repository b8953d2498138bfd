// All series of a spool, by their folders. Nothing is remembered from one walk to the next: whoever changes a series, on
// whatever machine, changes no folder above its own.
import { openPool } from '../threads/pool.js';
import type { Thread } from '../threads/thread.js';
import { DiskFailure } from './disk.js';
import type { Key } from './key.js';
import type { SeriesFolder } from './walk.js';
import type { WalkMethods } from './walk-thread.js';

/** The thread has 17 MB and more, and is asked once an hour where nobody looks at pages: it is ended when it has had nothing to do for so long. */
const idleAfterMs = 2_000;

export class SeriesFolders {
  readonly #root: string;
  readonly #idleMs: number;
  readonly #threads = openPool<WalkMethods>(new URL('./walk-thread.js', import.meta.url), 1);
  /** Settles when the walk that is under way has ended, however. */
  #running: Promise<unknown> = Promise.resolve();
  #next: Promise<readonly SeriesFolder[]> | null = null;
  #idle: NodeJS.Timeout | undefined;

  /** @param idleMs the thread is ended when nothing was asked for so long */
  constructor(root: string, idleMs = idleAfterMs) {
    this.#root = root;
    this.#idleMs = idleMs;
  }

  /**
   * Every series, newest first. Whoever asks while a walk is under way shares the next one with all who do: the one under way may have
   * passed what has come since.
   *
   * @throws DiskFailure
   */
  newestFirst(): Promise<readonly SeriesFolder[]> {
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      const walk = this.#walk();
      this.#running = walk.catch(() => null);
      return walk;
    });
    return this.#next;
  }

  async #walk(): Promise<readonly SeriesFolder[]> {
    const answer = await this.#thread().call('newestFirst', this.#root, { deadlineMs: null });
    if ('code' in answer) throw new DiskFailure(answer, null);
    return answer;
  }

  /**
   * Of some series those that retention has taken the pixels of since a moment, and have none left: from names and one time, so that an
   * hourly walk over years of series reads no record of these.
   */
  sweptSince(keys: readonly Key[], sinceMs: number): Promise<readonly Key[]> {
    return this.#thread().call('sweptSince', { root: this.#root, keys, sinceMs }, { deadlineMs: null });
  }

  /**
   * Of some series those whose records may name a Series Instance UID, of the source or of what was made: all that do, and few besides.
   * Reading the state of each takes ten times as long.
   */
  mayName(keys: readonly Key[], seriesInstanceUid: string): Promise<readonly Key[]> {
    return this.#thread().call('mayName', { root: this.#root, keys, seriesInstanceUid }, { deadlineMs: null });
  }

  #thread(): Thread<WalkMethods> {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#endIdle(), this.#idleMs).unref();
    return this.#threads.least();
  }

  #endIdle(): void {
    for (const thread of this.#threads.all()) {
      if (thread.pending === 0) void thread.end();
      else this.#idle = setTimeout(() => this.#endIdle(), this.#idleMs).unref();
    }
  }

  /** Threads that live now. */
  get threads(): number {
    return this.#threads.all().length;
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await Promise.all(this.#threads.all().map((thread) => thread.end()));
  }
}
