// Folders of names that are of no use for ever: one folder a month or a day, PERIOD/X/NAME, taken away whole when its time is over.
// A sweep reads no name in them, however many there are.
import { randomUUID } from 'node:crypto';
import { link, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, namesIn } from './write-once.js';

export type PeriodLength = 'month' | 'day';

/** The period of a moment, by UTC: 2026-11 or 2026-11-21. */
export function periodOf(ms: number, length: PeriodLength): string {
  return new Date(ms).toISOString().slice(0, length === 'month' ? 7 : 10);
}

/** End of a period, ms since epoch; NaN for a name that is none. */
function endOf(period: string): number {
  const [, year, month, day] = /^(\d{4})-(\d{2})(?:-(\d{2}))?$/.exec(period) ?? [];
  if (day !== undefined) return Date.UTC(Number(year), Number(month) - 1, Number(day) + 1);
  return Date.UTC(Number(year), Number(month), 1);
}

/** Periods below a folder, the newest first. */
export async function periodsIn(folder: string): Promise<string[]> {
  return (await namesIn(folder)).filter((name) => Number.isFinite(endOf(name))).toSorted((a, b) => (a < b ? 1 : -1));
}

/** Where a name stands within a period: few folders, because each may be synced. */
export function placeIn(
  folder: string,
  period: string,
  name: string,
): { readonly folder: string; readonly file: string } {
  const own = join(folder, period, name.slice(0, 1));
  return { folder: own, file: join(own, name) };
}

/**
 * Gives a file a second name, which costs no inode. Volumes end the count of names sooner or later: the name is a file of its own then.
 * @param content of that file
 * @returns false where the name is taken
 */
export async function nameAgain(of: string, file: string, content: string): Promise<boolean> {
  try {
    await link(of, file);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    if (!hasCode(error, 'EMLINK')) throw error;
  }
  try {
    await writeFile(file, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Takes away the periods that ended longer ago than `keepMs`. @param away an own folder, on the same volume @returns how many */
export async function forgetPeriods(folder: string, keepMs: number, nowMs: number, away: string): Promise<number> {
  let forgotten = 0;
  for (const period of await periodsIn(folder)) {
    if (nowMs - endOf(period) <= keepMs) continue;
    const gone = join(away, randomUUID());
    try {
      await rename(join(folder, period), gone);
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
      continue; // another process has taken it
    }
    await rm(gone, { recursive: true, force: true });
    forgotten += 1;
  }
  return forgotten;
}
