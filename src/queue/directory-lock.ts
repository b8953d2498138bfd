// One process an embedded queue: PGlite opens its directory a second time without a word, and what the second writes is lost.
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ownIdentity } from '../spool/process-folder.js';
import { takeProcessLock } from '../spool/process-lock.js';
import type { LockOptions, ProcessLock } from '../spool/process-lock.js';

/**
 * Takes `directory`/lock, also one left by a killed process.
 *
 * @param onLost somebody deleted the directory under the running queue, or has taken it
 * @throws LimpidError QUEUE_IN_USE naming the holder
 */
export function lockDirectory(
  directory: string,
  { now, isThere }: Pick<LockOptions, 'now' | 'isThere'>,
  onLost: () => void,
): Promise<ProcessLock> {
  return takeProcessLock(join(directory, 'lock'), {
    own: ownIdentity(hostname()),
    now,
    code: 'QUEUE_IN_USE',
    what: 'the embedded queue',
    onLost,
    isThere,
  });
}
