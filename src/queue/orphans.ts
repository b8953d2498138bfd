// Jobs whose worker died: run again at once where that is known, not after their lock.
import { hostname } from 'node:os';
import { isRunning, processSpace, startOf } from '../spool/process-folder.js';
import type { ProcessIdentity } from '../spool/process-folder.js';
import type { BullQueue } from './store.js';

/** More jobs than all workers of a node run at once; what is beyond waits for its lock. */
const mostActive = 1000;
/** Ignores the lock (BullMQ's own word for that). */
const anyToken = '0';

/** Under which name this process takes jobs. */
export function ownWorkerName(): string {
  const { pid } = process;
  return JSON.stringify([processSpace(), hostname(), pid, startOf(pid)]);
}

/** Whether the process that took a job under this name is known to be gone: of this machine, and not there any more. */
export function isDeadWorker(name: string | undefined): boolean {
  const parts: unknown = readName(name ?? '');
  if (!Array.isArray(parts)) return false;
  const [space, host, pid, start] = parts as unknown[];
  if (typeof pid !== 'number' || typeof start !== 'string' || start === '') return false;
  if (space === '' || space !== processSpace() || host !== hostname()) return false;
  const identity: ProcessIdentity = { host: hostname(), pid, start };
  return !isRunning(identity);
}

function readName(name: string): unknown {
  try {
    return JSON.parse(name);
  } catch {
    return null; // not a name of limpid's
  }
}

/**
 * Has the active jobs of dead workers wait again.
 *
 * @param isDead by the name under which the worker took the job
 * @returns how many
 */
export async function takeBackOrphans(
  queue: BullQueue,
  isDead: (worker: string | undefined) => boolean,
): Promise<number> {
  let count = 0;
  for (const job of await queue.getActive(0, mostActive - 1)) {
    if (!isDead(job.processedBy)) continue;
    await job.moveToWait(anyToken);
    count++;
  }
  return count;
}
