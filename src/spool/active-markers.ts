// active/KEY: a series has something left to do. Made after the file that makes it so; taken away by who finds it done.
import { rename, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isKey } from './key.js';
import type { Key } from './key.js';
import { hasCode, namesIn } from './write-once.js';
import type { DirectorySyncs } from './write-once.js';

/** A finisher takes milliseconds: a marker that is leaving for longer was left by a killed one. */
const leavingMs = 5_000;

export class ActiveMarkers {
  readonly #folder: string;
  readonly #process: string;
  readonly #syncs: DirectorySyncs;
  readonly #now: () => number;
  readonly #settleMs: number;
  /** Markers that this process has seen synced; those that leave the folder leave this set at the next look. */
  readonly #marked = new Set<Key>();

  /**
   * @param settleMs on a volume that machines share, how long a finished series is kept to be looked at once more: what another one has
   * published is seen here when this machine's idea of a folder is as old as that (NFS: a minute). 0: the volume is this machine's
   */
  constructor(folder: string, process: string, syncs: DirectorySyncs, now: () => number, settleMs = 0) {
    this.#folder = folder;
    this.#process = process;
    this.#syncs = syncs;
    this.#now = now;
    this.#settleMs = settleMs;
  }

  fileOf(key: Key): string {
    return join(this.#folder, key);
  }

  /** Whether this process has seen the series' marker synced: then one that is there is enough. */
  isKnown(key: Key): boolean {
    return this.#marked.has(key);
  }

  /**
   * Makes a series' marker unless it is there. Called after the file that makes the series active is published: a finisher
   * that did not see that file has renamed the marker before, so that it is made anew here.
   */
  async mark(key: Key): Promise<void> {
    const file = this.fileOf(key);
    if (this.#marked.has(key) && (await stat(file).catch(() => null)) !== null) return;
    try {
      await writeFile(file, '', { flag: 'wx' });
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
    await this.#syncs.sync(this.#folder);
    this.#marked.add(key);
  }

  /** Makes the marker new, so that every process looks at the series again. */
  async touch(key: Key): Promise<void> {
    await this.mark(key);
    const at = this.#now() / 1000;
    await utimes(join(this.#folder, key), at, at).catch((error: unknown) => {
      if (!hasCode(error, 'ENOENT')) throw error;
      this.#marked.delete(key);
      return this.mark(key);
    });
  }

  /** Marked series, with the time of their last touch (ms). One that is being finished counts. */
  async keys(): Promise<Map<Key, number>> {
    const keys = new Map<Key, number>();
    for (const name of await namesIn(this.#folder)) {
      const key = name.split('.')[0] ?? '';
      if (!isKey(key)) continue;
      const touched = await stat(join(this.#folder, name)).catch(() => null);
      if (touched !== null) keys.set(key, Math.max(touched.mtimeMs, keys.get(key) ?? 0));
    }
    for (const key of this.#marked) if (!keys.has(key)) this.#marked.delete(key);
    return keys;
  }

  /**
   * Takes a marker away if the series is done. Two finishers never share one; a step that came in between is seen by the
   * second asking, and the marker is put back. On a shared volume it is left as leaving, and `lookAtLeaving` asks once more.
   */
  async finish(key: Key, isDone: () => Promise<boolean>): Promise<boolean> {
    if (!(await isDone())) return false;
    const marker = join(this.#folder, key);
    const leaving = `${marker}.leaving.${this.#process}`;
    try {
      await rename(marker, leaving);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false;
      throw error;
    }
    try {
      if (await isDone()) {
        if (this.#settleMs === 0) await unlink(leaving);
        this.#marked.delete(key);
        return true;
      }
      await rename(leaving, marker);
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error; // a reconciler took it for a killed finisher's, and put it back
      return false;
    }
    await this.touch(key); // it may have replaced one that a person's action had made new
    return false;
  }

  /**
   * Markers that are leaving for long: on a shared volume those of series that are done still are taken away. The others are put back,
   * and so is any on a volume of this machine's own: its finisher was killed, or could not read the series.
   */
  async lookAtLeaving(isDone: (key: Key) => Promise<boolean>): Promise<void> {
    for (const name of await namesIn(this.#folder)) {
      const [key, what] = name.split('.');
      if (what !== 'leaving' || key === undefined || !isKey(key)) continue;
      const leaving = join(this.#folder, name);
      const found = await stat(leaving).catch(() => null);
      // A rename leaves the time of the last touch alone; the time of the change is the rename's.
      if (found === null || this.#now() - found.ctimeMs < Math.max(leavingMs, this.#settleMs)) continue;
      const isOver = this.#settleMs > 0 && (await isDone(key).catch(() => false)); // who advances it is told why it cannot be read
      const took = isOver ? unlink(leaving) : rename(leaving, join(this.#folder, key));
      await took.catch((error: unknown) => {
        if (!hasCode(error, 'ENOENT')) throw error;
      });
    }
  }
}
