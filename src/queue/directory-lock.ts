// One process an embedded queue: PGlite opens its directory a second time without a word, and what the second writes is lost.
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { LimpidError } from '../errors.js';
import { isRunning, startOf } from '../spool/process-folder.js';
import type { ProcessIdentity } from '../spool/process-folder.js';
import { hasCode } from '../spool/write-once.js';

const beatMs = 5_000;
/** Another host's lock (a container on a shared volume) counts as held this long after its last heart-beat. */
const foreignHoldMs = 20_000;

export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Takes `directory`/lock, also one left by a killed process.
 *
 * @param onVanished the lock file is no longer there: somebody deleted the directory under the running queue
 * @throws LimpidError QUEUE_IN_USE naming the holder
 */
export async function lockDirectory(
  directory: string,
  now: () => number,
  onVanished: () => void,
): Promise<DirectoryLock> {
  const file = join(directory, 'lock');
  const own: ProcessIdentity = { host: hostname(), pid: process.pid, start: startOf(process.pid) };
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      await writeFile(file, JSON.stringify(own), { flag: 'wx' });
      return beat(file, now, onVanished);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
    const holder = await holderOf(file, own, now);
    if (holder !== null) throw new LimpidError('QUEUE_IN_USE', `the embedded queue is held by ${holder}`);
    await rm(file, { force: true });
  }
  throw new LimpidError('QUEUE_IN_USE', 'the lock of the embedded queue changes hands too fast');
}

function beat(file: string, now: () => number, onVanished: () => void): DirectoryLock {
  let released = false;
  const timer = setInterval(() => {
    const at = now() / 1000;
    utimes(file, at, at).catch((error: unknown) => {
      if (!released && hasCode(error, 'ENOENT')) onVanished();
    });
  }, beatMs);
  timer.unref();
  return {
    release: async () => {
      released = true;
      clearInterval(timer);
      await rm(file, { force: true });
    },
  };
}

async function holderOf(file: string, own: ProcessIdentity, now: () => number): Promise<string | null> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
    const age = now() - mtimeMs;
    if (text === '') return age < beatMs ? 'a process that is starting' : null;
    const holder = readIdentity(text);
    if (holder === null) return null;
    if (holder.host === own.host) return isRunning(holder) ? `process ${holder.pid}` : null;
    return age < foreignHoldMs ? `process ${holder.pid} on ${holder.host}` : null;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}

function readIdentity(text: string): ProcessIdentity | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    const { host, pid, start } = value as Partial<ProcessIdentity>;
    return typeof host === 'string' && typeof pid === 'number' && typeof start === 'string'
      ? { host, pid, start }
      : null;
  } catch {
    return null; // cut by a crash while it was written: nobody holds it
  }
}
