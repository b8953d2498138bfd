// tmp/HOST-PID-START: where one process writes what is not published yet. Its owner touches `alive`; the folders of dead
// owners are swept at start and every minute (abandoned-folders.ts).
import { readFileSync, readlinkSync } from 'node:fs';
import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { hasCode, makeParents } from './write-once.js';

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

/** This process. */
export const ownIdentity = (host: string): ProcessIdentity => ({
  host,
  pid: process.pid,
  start: startOf(process.pid),
  space: processSpace(),
});

/**
 * Answers whether a process would be among those that `own` can see. Containers that share the machine's network share its name too:
 * what is not among the processes here may run there.
 */
export function isSeenBy(own: ProcessIdentity, { host, space }: ProcessIdentity): boolean {
  return host === own.host && (!space || !own.space || space === own.space);
}

/** Answers whether the process still runs; one that this process cannot see (`isSeenBy`) is judged by the caller. */
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

export interface ProcessFolder {
  readonly path: string;
  /** A name that this process has not used yet. */
  fresh(prefix: string): string;
  /**
   * Says that its owner lives, and makes the folder anew where it is gone: another machine may have taken it for abandoned while this one
   * was suspended or its volume away, and nothing could be written from then on.
   */
  keep(): Promise<void>;
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
  let isClosed = false;
  const keep = async (): Promise<void> => {
    const at = now() / 1000;
    try {
      await utimes(alive, at, at);
    } catch (error) {
      if (!hasCode(error, 'ENOENT') || isClosed) throw error;
      await remake(path);
      await writeFile(alive, JSON.stringify(identity));
    }
  };
  const timer = setInterval(() => {
    keep().catch(() => undefined); // what keeps it from that shows at the next write, with a better message
  }, aliveEveryMs);
  timer.unref();
  const close = async (): Promise<void> => {
    isClosed = true;
    clearInterval(timer);
    await rm(path, { recursive: true, force: true });
  };
  return processFolderAt(path, { keep, close });
}

/** Without its parents: where a volume is not mounted there are none, and nothing may be made in their place. */
async function remake(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error; // a result that is being made has made it again
  }
}

/** A process's folder as it is, or is not, there. */
export function processFolderAt(path: string, { keep, close }: Pick<ProcessFolder, 'keep' | 'close'>): ProcessFolder {
  let counter = 0;
  return { path, fresh: (prefix) => join(path, `${prefix}-${++counter}`), keep, close };
}
