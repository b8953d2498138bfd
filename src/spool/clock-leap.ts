/**
 * Whether the wall clock has leapt ahead since a node last looked at it: a clock that is wrong by months would have every period over at once,
 * and the pixels of all series gone. What tells is the time of two marker files, which a restart leaves.
 */
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
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
  const leap = await readLeap(layout.clockLeapt);
  await mark(layout.clockSeen, nowMs);
  // Set back to half the way it is as wrong as before: what counts is the clock before the leap, not what it has shown since.
  const trustedMs = leap === null ? seenMs : leap.trustedMs;
  if (trustedMs !== null && nowMs - trustedMs > leapMs) {
    if (leap === null || nowMs < leap.atMs || (seenMs !== null && nowMs - seenMs > leapMs)) {
      await mark(layout.clockLeapt, nowMs, String(trustedMs));
      return nowMs + waitMs;
    }
    if (nowMs - leap.atMs < waitMs) return leap.atMs + waitMs;
  }
  if (leap !== null) await rm(layout.clockLeapt, { force: true });
  return null;
}

/** When the clock leapt, by itself, and what it had shown before. */
async function readLeap(file: string): Promise<{ readonly atMs: number; readonly trustedMs: number } | null> {
  const atMs = await timeOf(file);
  if (atMs === null) return null;
  const text = await readFile(file, 'utf8');
  // Empty where the volume was full, zeros after a power cut: then the day is waited for, whatever the clock shows.
  return { atMs, trustedMs: /^\d+(\.\d+)?$/.test(text) ? Number(text) : -Infinity };
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
async function mark(file: string, atMs: number, text = ''): Promise<void> {
  try {
    await writeFile(file, text);
    await utimes(file, atMs / 1000, atMs / 1000);
  } catch (error) {
    if (!hasCode(error, 'ENOSPC', 'EDQUOT')) throw error;
  }
}
