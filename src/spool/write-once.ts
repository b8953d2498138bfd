// Publishing: a file is written under a temporary name on the same file system, synced, then linked to its final name, so
// that nothing is ever replaced; a directory is renamed into place. Whoever comes second is told so and changes nothing.
import { constants } from 'node:fs';
import { link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** `always` syncs files and directories before anything is acknowledged; `never` leaves that to the kernel. */
export type SyncPolicy = 'always' | 'never';

function codeOf(error: unknown): string {
  return error instanceof Error || (typeof error === 'object' && error !== null)
    ? String((error as { code?: unknown }).code)
    : '';
}

/** Answers whether a file system error has one of these codes. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes(codeOf(error));
}

/**
 * Directory syncs with group commit: one runs at a time for a directory, and answers everybody who asked before it began.
 * (fsync of a directory costs about 4 ms: docs/decisions/0003-spool.md.)
 */
export class DirectorySyncs {
  readonly #running = new Map<string, { current: Promise<void>; next: Promise<void> | null }>();
  readonly #making = new Set<Promise<void>>();
  readonly #policy: SyncPolicy;
  constructor(policy: SyncPolicy) {
    this.#policy = policy;
  }
  /** Resolves when a sync that began after this call has ended. */
  async sync(directory: string): Promise<void> {
    if (this.#policy === 'never') return;
    const entry = this.#running.get(directory);
    if (entry === undefined) {
      const started = { current: syncDirectory(directory), next: null as Promise<void> | null };
      this.#running.set(directory, started);
      await started.current.finally(() => this.#settle(directory, started));
      return;
    }
    entry.next ??= entry.current.catch(() => undefined).then(() => syncDirectory(directory));
    await entry.next;
  }

  /** Counts a new directory among those that are being made, until its parents are synced. */
  async making(synced: Promise<void>): Promise<void> {
    this.#making.add(synced);
    try {
      await synced;
    } finally {
      this.#making.delete(synced);
    }
  }

  /**
   * Resolves when the directories that others are making now will survive a loss of power: a file in one of them is not kept
   * before.
   */
  async made(): Promise<void> {
    await Promise.all(this.#making);
  }

  #settle(directory: string, entry: { current: Promise<void>; next: Promise<void> | null }): void {
    if (entry.next === null) {
      this.#running.delete(directory);
      return;
    }
    entry.current = entry.next;
    entry.next = null;
    entry.current.catch(() => undefined).finally(() => this.#settle(directory, entry));
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Makes a directory and its parents. Not by Node's own `recursive`, which on a full volume says that there is no such directory (ENOENT).
 *
 * @param mode of the directory itself, less the umask
 * @returns the first that was made; undefined: it was there
 */
export async function makeParents(path: string, mode = 0o777): Promise<string | undefined> {
  const madeHere = async (): Promise<string | undefined> => {
    try {
      await mkdir(path, mode);
      return path;
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return undefined;
      throw error;
    }
  };
  try {
    return await madeHere();
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  const parent = await makeParents(dirname(path));
  const own = await madeHere();
  return parent ?? own;
}

/** Makes a directory and its parents, and syncs each parent that got a new entry. */
export async function makeDirectory(path: string, syncs: DirectorySyncs): Promise<void> {
  const first = await makeParents(path);
  if (first === undefined) return syncs.made();
  const syncParents = async (): Promise<void> => {
    for (let made = path; made.length >= first.length; made = dirname(made)) await syncs.sync(dirname(made));
  };
  return syncs.making(syncParents());
}

/** Writes bytes to a new file and syncs it. */
export async function writeSynced(path: string, bytes: Uint8Array | string, policy: SyncPolicy): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    await handle.writeFile(bytes);
    if (policy === 'always') await handle.datasync();
  } finally {
    await handle.close();
  }
}

/**
 * Links a finished temporary file to its final name; the temporary name stays.
 *
 * @returns false if the final name was there already: nothing changed
 */
export async function linkKeeping(temporary: string, target: string): Promise<boolean> {
  try {
    await link(temporary, target);
    return true;
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    // On network volumes the answer to a successful link can be lost and its repetition says EEXIST: then both are one file.
    const [a, b] = await Promise.all([stat(temporary), stat(target)]);
    return a.ino === b.ino && a.dev === b.dev;
  }
}

/** The same, and removes the temporary name. */
export async function linkOnce(temporary: string, target: string): Promise<boolean> {
  const first = await linkKeeping(temporary, target);
  await rm(temporary, { force: true });
  return first;
}

/**
 * Renames a finished directory to its final name.
 *
 * @returns false if the name was there already: the directory is left where it is
 */
export async function renameOnce(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) return false;
    throw error;
  }
}

/** Whether there is a file or a folder. @throws what the file system says of one that it does not give */
export async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Names in a directory; none where the directory is not there. */
export async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

/** The same of `NNN` names by their numbers: `1000.json` comes behind `999.json`. */
export async function numberedNamesIn(directory: string): Promise<string[]> {
  const numberOf = (name: string): number => Number.parseInt(name, 10) || 0;
  return (await namesIn(directory)).sort((one, other) => numberOf(one) - numberOf(other));
}

/** The first free number behind `NNN` names (`001.json`, `002.died.json`), from 1. */
export async function nextNumber(directory: string): Promise<number> {
  const numbers = (await namesIn(directory)).map((name) => Number.parseInt(name, 10)).filter(Number.isInteger);
  return numbers.length === 0 ? 1 : Math.max(...numbers) + 1;
}

/** `7` to `007`. */
export function threeDigits(number: number): string {
  return String(number).padStart(3, '0');
}

/** Proves that the volume has link, rename and fsync; removes what it wrote. Throws the file system's own error. */
export async function probeVolume(tmp: string): Promise<void> {
  const folder = join(tmp, 'probe');
  await rm(folder, { recursive: true, force: true });
  await rm(`${folder}-renamed`, { recursive: true, force: true });
  await mkdir(folder);
  await writeSynced(join(folder, 'a'), 'probe', 'always');
  await link(join(folder, 'a'), join(folder, 'b'));
  await rename(folder, `${folder}-renamed`);
  await syncDirectory(tmp);
  await rm(`${folder}-renamed`, { recursive: true, force: true });
}
