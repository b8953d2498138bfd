// receiver.lock: one receiver a spool, because only the receiver publishes revisions.
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { LimpidError } from '../errors.js';
import { ZodError } from 'zod';
import { isRunning, processIdentity } from './process-folder.js';
import type { ProcessIdentity } from './process-folder.js';
import { hasCode } from './write-once.js';

const beatMs = 5_000;
/** Another host's lock counts as held this long after its last heart-beat. */
const foreignHoldMs = 20_000;

export interface ReceiverLock {
  release(): Promise<void>;
}

/**
 * Takes the lock, also one left by a killed process.
 *
 * @throws LimpidError SPOOL_LOCKED naming the holder
 */
export async function takeReceiverLock(file: string, own: ProcessIdentity, now: () => number): Promise<ReceiverLock> {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      await writeFile(file, JSON.stringify(own), { flag: 'wx' });
      const timer = setInterval(() => {
        const at = now() / 1000;
        utimes(file, at, at).catch(() => undefined); // the lock file was removed by hand: nothing to keep alive
      }, beatMs);
      timer.unref();
      return {
        release: async () => {
          clearInterval(timer);
          await rm(file, { force: true });
        },
      };
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
    const holder = await holderOf(file, own, now);
    if (holder !== null) throw new LimpidError('SPOOL_LOCKED', `the spool is held by ${holder}`);
    await rm(file, { force: true });
  }
  throw new LimpidError('SPOOL_LOCKED', 'the lock of the spool changes hands too fast');
}

async function holderOf(file: string, own: ProcessIdentity, now: () => number): Promise<string | null> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
    const age = now() - mtimeMs;
    if (text === '') return age < beatMs ? 'a receiver that is starting' : null;
    const holder = processIdentity.parse(JSON.parse(text));
    if (holder.host === own.host) return isRunning(holder) ? `process ${holder.pid}` : null;
    return age < foreignHoldMs ? `process ${holder.pid} on ${holder.host}` : null;
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError || error instanceof ZodError) return null;
    throw error;
  }
}
