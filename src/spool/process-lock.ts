// A lock file that one process holds: receiver.lock of a spool, `lock` of an embedded queue. Local processes are known by pid and
// start time; another host's, and another container's of this machine, by its heart-beat.
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ZodError } from 'zod';
import { LimpidError } from '../errors.js';
import type { FailureCode } from '../errors.js';
import { isRunning, isSeenBy, processIdentity, processName } from './process-folder.js';
import type { ProcessIdentity } from './process-folder.js';
import { hasCode } from './write-once.js';

const beatMs = 5_000;
/** Another host's lock counts as held this long after its last heart-beat. */
const foreignHoldMs = 20_000;
/** Longer than two heart-beats: one that comes in this time tells of a holder whose clock is wrong, or this machine's is. */
const lookOnMs = 12_000;
const mostAttempts = 3;

export interface ProcessLock {
  release(): Promise<void>;
}

export interface LockOptions {
  readonly own: ProcessIdentity;
  readonly now: () => number;
  /** The failure when another process holds it, and what is held, in words: `the spool`. */
  readonly code: FailureCode;
  readonly what: string;
  /**
   * The lock is another's, whose machine has heard no heart-beat for too long (this process was stopped, or a clock is wrong), or its
   * file is no longer there: somebody has deleted it under its holder. Told once.
   */
  readonly onLost?: () => void;
  /** Whether the volume of the lock is there: of one that is away for a while nobody can tell whose it is. Absent: it always is. */
  readonly isThere?: (() => Promise<boolean>) | undefined;
}

/**
 * Takes a lock, also one that a killed process left.
 *
 * @throws LimpidError with the given code, naming the holder
 */
export async function takeProcessLock(file: string, options: LockOptions): Promise<ProcessLock> {
  const { own, code, what } = options;
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    try {
      await writeFile(file, JSON.stringify(own), { flag: 'wx' });
      return holding(file, options);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
    const left = await readHolder(file, options);
    if (left.holder !== null) throw new LimpidError(code, `${what} is held by ${left.holder}`);
    await takeAway(file, left.text, own);
  }
  throw new LimpidError(code, `the lock of ${what} changes hands too fast`);
}

function holding(file: string, { own, now, onLost, isThere = () => Promise.resolve(true) }: LockOptions): ProcessLock {
  let released = false;
  const isOwn = async (): Promise<boolean> => {
    try {
      return (await readFile(file, 'utf8')) === JSON.stringify(own);
    } catch (error) {
      return !hasCode(error, 'ENOENT') || !(await isThere()); // a volume that does not answer says nothing
    }
  };
  const beat = async (): Promise<void> => {
    const isHeld = await isOwn();
    if (released) return;
    if (isHeld) {
      const at = now() / 1000;
      await utimes(file, at, at).catch(() => undefined); // the next beat tells why
      return;
    }
    released = true;
    clearInterval(timer);
    onLost?.();
  };
  let isBeating = false;
  const timer = setInterval(() => {
    // On a volume that does not answer each beat would hold one more of the threads that files wait in.
    if (isBeating) return;
    isBeating = true;
    void beat().finally(() => (isBeating = false));
  }, beatMs);
  timer.unref();
  return {
    release: async () => {
      const isHeld = !released && (await isOwn());
      released = true;
      clearInterval(timer);
      if (isHeld) await rm(file, { force: true });
    },
  };
}

/** Who holds a lock, in words; null for one that is free, left by a dead process, or cut while it was written. */
async function readHolder(file: string, { own, now }: LockOptions): Promise<{ holder: string | null; text: string }> {
  let text = '';
  try {
    const { mtimeMs } = await stat(file);
    text = await readFile(file, 'utf8');
    const age = now() - mtimeMs;
    if (text === '') return { holder: age < beatMs ? 'a process that is starting' : null, text };
    const holder = processIdentity.parse(JSON.parse(text));
    const words = `process ${holder.pid}`;
    if (isSeenBy(own, holder)) return { holder: isRunning(holder) ? words : null, text };
    const where = holder.host === own.host ? 'in another container of this machine' : `on ${holder.host}`;
    const isHeld =
      holder.host === own.host ? await beatsBeside(file, mtimeMs, age) : await beatsElsewhere(file, mtimeMs, age);
    return { holder: isHeld ? `${words} ${where}` : null, text };
  } catch (error) {
    if (hasCode(error, 'ENOENT') || error instanceof SyntaxError || error instanceof ZodError)
      return { holder: null, text };
    throw error;
  }
}

/**
 * Whether a process of this machine that is not among those seen here holds its lock still. Mostly it is the one that was killed when this
 * container was started again: it is waited for, not refused to.
 */
async function beatsBeside(file: string, beatAtMs: number, age: number): Promise<boolean> {
  await sleep(Math.min(Math.max(foreignHoldMs - age, 0), foreignHoldMs));
  return (await stat(file)).mtimeMs !== beatAtMs;
}

/** The same of another machine. Its clock may differ from this one's by hours: only what is young by both is held without a look at it. */
async function beatsElsewhere(file: string, beatAtMs: number, age: number): Promise<boolean> {
  if (age >= 0 && age < foreignHoldMs) return true;
  await sleep(lookOnMs);
  return (await stat(file)).mtimeMs !== beatAtMs;
}

/** Removes a dead holder's lock. Of two that find it, the second would remove the first one's new lock: it is looked at and put back. */
async function takeAway(file: string, dead: string, own: ProcessIdentity): Promise<void> {
  const aside = `${file}.${processName(own)}`;
  try {
    await rename(file, aside);
    if ((await readFile(aside, 'utf8')) !== dead) await link(aside, file);
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'EEXIST')) throw error;
  } finally {
    await rm(aside, { force: true });
  }
}
