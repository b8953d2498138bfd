/**
 * Whether the wall clock has leapt ahead since a node last looked at it: a clock that is wrong by months would have every period over at once,
 * and the pixels of all series gone. What tells is the time of two marker files, which a restart leaves.
 */
import { rm, stat, utimes, writeFile } from 'node:fs/promises';
import type { Layout } from './layout.js';
import { hasCode } from './write-once.js';

/** Longer than a node that runs, or is started anew, goes without a look at the clock. */
const leapMs = 24 * 3_600_000;
/** So long nothing is taken away after a leap: a person has a day to look at the clock. */
const waitMs = 24 * 3_600_000;

/** @returns until when no period can be trusted, ms since epoch; null: now they can, as nothing tells of a leap */
export async function untrustedUntil(
  layout: Pick<Layout, 'clockSeen' | 'clockLeapt'>,
  nowMs: number,
): Promise<number | null> {
  const seenMs = await timeOf(layout.clockSeen);
  await mark(layout.clockSeen, nowMs);
  if (seenMs !== null && nowMs - seenMs > leapMs) {
    await mark(layout.clockLeapt, nowMs);
    return nowMs + waitMs;
  }
  const leaptMs = await timeOf(layout.clockLeapt);
  if (leaptMs === null) return null;
  // Set back since: it is the clock of before the leap again, and records of the time between tell where it is not.
  if (nowMs >= leaptMs && nowMs - leaptMs < waitMs) return leaptMs + waitMs;
  await rm(layout.clockLeapt, { force: true });
  return null;
}

async function timeOf(file: string): Promise<number | null> {
  try {
    return (await stat(file)).mtimeMs;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}

/** A volume without room for the first of its markers is swept all the same. */
async function mark(file: string, atMs: number): Promise<void> {
  try {
    await writeFile(file, '');
    await utimes(file, atMs / 1000, atMs / 1000);
  } catch (error) {
    if (!hasCode(error, 'ENOSPC', 'EDQUOT')) throw error;
  }
}
