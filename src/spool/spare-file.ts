// A file that is made before an instance needs it: making one can take longer than writing a slice to it (on a network volume; on an
// ext4 without a journal where many files have just gone: 0.8 ms against 0.15), and a sender waits for it.
import { closeSync, openSync, renameSync, unlinkSync } from 'node:fs';

/** How long a spare waits for the next instance: then nobody is sending. */
const keptMs = 1000;

interface Spare {
  readonly path: string;
  readonly descriptor: number;
}

/** At most one file ahead of those that are asked for. */
export class SpareFile {
  #spare: Spare | null = null;
  #timer: NodeJS.Timeout | undefined;

  /** Opens a new file: the spare under this name, where there is one. @throws the file system's error */
  open(path: string): number {
    const spare = this.#spare;
    if (spare === null) return openSync(path, 'wx');
    try {
      renameSync(spare.path, path);
    } catch {
      this.drop();
      return openSync(path, 'wx');
    }
    this.#forget();
    return spare.descriptor;
  }

  /** Makes the next one at `path`, unless there is one. A fault of the disk is told where a file is asked for. */
  refill(path: string): void {
    if (this.#spare !== null) return;
    try {
      this.#spare = { path, descriptor: openSync(path, 'wx') };
    } catch {
      return;
    }
    this.#timer = setTimeout(() => this.drop(), keptMs).unref();
  }

  /** Removes the spare. */
  drop(): void {
    const spare = this.#spare;
    this.#forget();
    if (spare === null) return;
    closeSync(spare.descriptor);
    try {
      unlinkSync(spare.path);
    } catch {
      // its folder has gone, and the file with it
    }
  }

  #forget(): void {
    this.#spare = null;
    clearTimeout(this.#timer);
  }
}
