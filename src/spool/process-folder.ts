// tmp/HOST-PID-START: where one process writes what is not published yet. Its owner touches `alive`; the folders of dead
// owners are swept at start and every minute.
import { readFileSync, readlinkSync } from 'node:fs';
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { hasCode, makeParents, namesIn } from './write-once.js';

export const processIdentity = z.object({
  host: z.string(),
  pid: z.int(),
  /** Start time of the process in clock ticks since boot: tells a reused pid apart. Empty where the system does not say. */
  start: z.string(),
  /** Its process space, see `processSpace`; absent: not known. */
  space: z.string().optional(),
});
export type ProcessIdentity = Readonly<z.infer<typeof processIdentity>>;

/** The processes that this one can see: those of another container have ids of their own. Empty where the system does not say. */
export function processSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** Start time of a process from /proc, or an empty text. */
export function startOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop()?.split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

/** Answers whether the process still runs; a process of another host is judged by the caller. */
export function isRunning(identity: ProcessIdentity): boolean {
  try {
    process.kill(identity.pid, 0);
  } catch (error) {
    if (!hasCode(error, 'EPERM')) return false;
  }
  return startOf(identity.pid) === identity.start;
}

/** Folder name of a process. */
export function processName(identity: ProcessIdentity): string {
  return `${identity.host.replaceAll(/[^A-Za-z0-9.]/g, '_')}-${identity.pid}-${identity.start || '0'}`;
}

const aliveEveryMs = 60_000;
const abandonedAfterMs = 3_600_000;
/** The same of another container of this machine: one clock for both, and a container that was killed leaves such a folder each time. */
const besideAbandonedAfterMs = 300_000;

export interface ProcessFolder {
  readonly path: string;
  /** A name that this process has not used yet. */
  fresh(prefix: string): string;
  close(): Promise<void>;
}

/** Makes this process's folder and keeps it alive. */
export async function openProcessFolder(
  tmp: string,
  identity: ProcessIdentity,
  now: () => number,
): Promise<ProcessFolder> {
  const path = join(tmp, processName(identity));
  const alive = join(path, 'alive');
  await makeParents(path);
  try {
    await writeFile(alive, JSON.stringify(identity));
  } catch (error) {
    await rm(path, { recursive: true, force: true });
    throw error;
  }
  const timer = setInterval(() => {
    const at = now() / 1000;
    utimes(alive, at, at).catch(() => undefined); // a missing folder shows at the next write, with a better message
  }, aliveEveryMs);
  timer.unref();
  return processFolderAt(path, async () => {
    clearInterval(timer);
    await rm(path, { recursive: true, force: true });
  });
}

/** A process's folder as it is, or is not, there. */
export function processFolderAt(path: string, close: () => Promise<void>): ProcessFolder {
  let counter = 0;
  return { path, fresh: (prefix) => join(path, `${prefix}-${++counter}`), close };
}

/** Removes the folders of dead owners: same host and no such process, or not touched for long. Returns how many. */
export async function sweepProcessFolders(tmp: string, own: ProcessIdentity, now: () => number): Promise<number> {
  let swept = 0;
  for (const name of await namesIn(tmp)) {
    if (name === processName(own)) continue;
    const path = join(tmp, name);
    if (await isAbandoned(path, own, now)) {
      await rm(path, { recursive: true, force: true });
      swept += 1;
    }
  }
  return swept;
}

async function isAbandoned(path: string, own: ProcessIdentity, now: () => number): Promise<boolean> {
  const alive = join(path, 'alive');
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(alive, 'utf8'), stat(alive)]);
    const owner = processIdentity.parse(JSON.parse(text));
    if (owner.host === own.host) {
      // Containers that share the machine's network share its name too: what is not among the processes here may run there.
      const isSeen = !owner.space || !own.space || owner.space === own.space;
      return isSeen ? !isRunning(owner) : now() - mtimeMs > besideAbandonedAfterMs;
    }
    return now() - mtimeMs > abandonedAfterMs;
  } catch (error) {
    if (!hasCode(error, 'ENOENT') && !(error instanceof SyntaxError) && !(error instanceof z.ZodError)) throw error;
    // No owner's mark: half-made or half-removed. Left alone for an hour, its owner may be about to write it.
    const made = await stat(path).catch(() => null);
    return made !== null && now() - made.mtimeMs > abandonedAfterMs;
  }
}
