// What a process that was killed has left in a destination's folders: files under a temporary name, whole images among them.
import { randomUUID } from 'node:crypto';
import { opendir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Nobody else gives such names. */
const named = /^\.limpid-[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[\da-f]{4}-[\da-f]{12}$/;

/** A name for a file that is being written. */
export const temporaryName = (): string => `.limpid-${randomUUID()}`;

/**
 * Into nothing that is still being written so long nothing has come. Were one taken away all the same, it could not be linked, and
 * would be sent again.
 */
const leftMs = 3_600_000;
/** So many folders of series are remembered as looked at; one that is forgotten is looked at once more. */
const mostFolders = 10_000;

/** Takes leftovers away. Other senders may write to the same folders: what is young may be theirs, and is looked at again when it is old. */
export class Leftovers {
  readonly #now: () => number;
  /** When a folder is to be looked at again, ms since epoch; Infinity: nothing young was there. */
  readonly #looked = new Map<string, number>();
  #looking: Promise<void> | null = null;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /**
   * Looks through folders that this process has not looked through, and those whose time has come, one sweep at a time and beside the
   * delivery: a folder of millions of files takes a while.
   *
   * @param written the folder to which a file was just written: its time is now, by the clock that dates the files beside it
   */
  lookBeside(written: string, others: readonly string[]): void {
    if (this.#looking !== null) return;
    const nowMs = this.#now();
    const again = [...this.#looked].flatMap(([name, atMs]) => (atMs <= nowMs ? [name] : []));
    const due = [...new Set([...again, ...[written, ...others].filter((name) => !this.#looked.has(name))])];
    if (due.length === 0) return;
    this.#looking = this.#look(written, due)
      .catch(() => undefined) // what cannot be read or removed stays: it is in nobody's way
      .finally(() => {
        this.#looking = null;
      });
  }

  /** Resolves when the sweep that is under way has ended. */
  async looked(): Promise<void> {
    await this.#looking;
  }

  async #look(written: string, folders: readonly string[]): Promise<void> {
    for (const folder of folders) this.#remember(folder, Infinity);
    const { mtimeMs } = await stat(written);
    for (const folder of folders) this.#remember(folder, this.#now() + (await sweep(folder, mtimeMs)));
  }

  #remember(folder: string, atMs: number): void {
    this.#looked.delete(folder);
    this.#looked.set(folder, atMs);
    const [oldest] = this.#looked.keys();
    if (this.#looked.size > mostFolders && oldest !== undefined) this.#looked.delete(oldest);
  }
}

/** @returns how long until what is young in it is old, ms; Infinity: nothing is */
async function sweep(folder: string, nowMs: number): Promise<number> {
  let untilMs = Infinity;
  for await (const entry of await opendir(folder)) {
    if (!entry.isFile() || !named.test(entry.name)) continue;
    const file = join(folder, entry.name);
    const found = await stat(file).catch(() => null); // written meanwhile, and linked
    if (found === null) continue;
    const leftForMs = nowMs - found.mtimeMs;
    if (leftForMs >= leftMs) await rm(file, { force: true });
    else untilMs = Math.min(untilMs, leftMs - Math.max(0, leftForMs));
  }
  return untilMs;
}
