// Room that the spool holds for itself on its volume: what goes is written down before it goes, and a full volume has no room for that.
import { randomBytes } from 'node:crypto';
import { rm, statfs, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode, isThere, linkOnce, writeSynced } from './write-once.js';
import type { SyncPolicy } from './write-once.js';

/** Some records and folders, also on a volume of large blocks. */
const reserveBytes = 262_144;
/** Files beside it, for volumes that run short of inodes first: what goes from a series takes one a revision and one more. */
const spareInodes = 15;
/** On a volume with less than this free nothing is held: what is under way needs it more. */
const leastFreeBytes = 16 * reserveBytes;
const leastFreeInodes = 16 * spareInodes;

const isFull = (error: unknown): boolean => hasCode(error, 'ENOSPC', 'EDQUOT');

export class Reserve {
  readonly #file: string;
  readonly #spares: readonly string[];
  readonly #sync: SyncPolicy;

  constructor(file: string, sync: SyncPolicy) {
    this.#file = file;
    this.#spares = Array.from({ length: spareInodes }, (_, index) => `${file}.${index + 1}`);
    this.#sync = sync;
  }

  /** Holds the room, where none is held yet and there is some. @param temporary a free name on the same volume */
  async hold(temporary: string): Promise<void> {
    try {
      const last = this.#spares.at(-1) ?? this.#file;
      if ((await Promise.all([this.#file, last].map((file) => isThere(file)))).every(Boolean)) return;
      const { bavail, bsize, files, ffree } = await statfs(dirname(this.#file));
      if (bavail * bsize < leastFreeBytes || (files > 0 && ffree < leastFreeInodes)) return;
      for (const spare of this.#spares) await writeFile(spare, '');
      // Random, because a volume that compresses keeps no room for zeros.
      await writeSynced(temporary, randomBytes(reserveBytes), this.#sync);
      await linkOnce(temporary, this.#file);
    } catch (error) {
      await rm(temporary, { force: true });
      if (!isFull(error)) throw error;
    }
  }

  /** Does what must be done on a full volume too: once more in the room that was held, where there was none left. */
  async lend<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (!isFull(error) || !(await this.#release())) throw error;
      return act();
    }
  }

  /** @returns false where nothing was held */
  async #release(): Promise<boolean> {
    const released = await Promise.all([this.#file, ...this.#spares].map((file) => isTakenAway(file)));
    return released.includes(true);
  }
}

/** @returns false where it was not there */
async function isTakenAway(file: string): Promise<boolean> {
  try {
    await unlink(file);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}
