// What a thread does that walks over the folders of all series: its file system calls in one go, as in `disk-job.ts`.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isKey } from './key.js';
import type { Key } from './key.js';
import type { Layout } from './layout.js';
import { ownRoot } from './made.js';
import { hasCode } from './write-once.js';

/** A series, and when its folder last changed, ms since epoch. */
export interface SeriesFolder {
  readonly key: Key;
  readonly at: number;
}

/** Of a folder's time, ms: a volume that takes longer lies on a network, or on a disk that has to look for it. */
const slowMs = 0.2;
/** On such a volume many are asked for at once. */
const statAtOnce = 32;
/** For so many shards; then it may answer from memory. */
const slowShards = 32;

function namesAt(directory: string): string[] {
  try {
    return readdirSync(directory).toSorted();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

/** Null where it is not there: retention may take it away meanwhile. */
function timeOf(path: string): number | null {
  try {
    return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null;
  } catch {
    return null;
  }
}

const timeOfSlow = (path: string): Promise<number | null> =>
  stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => null,
  );

/**
 * Every series, newest first by the time its folder last changed; those of one time by their keys.
 *
 * @param now ms, of a clock that nobody sets
 */
export async function newestFirst(
  { seriesRoot }: Layout,
  now = (): number => performance.now(),
): Promise<SeriesFolder[]> {
  const found: SeriesFolder[] = [];
  const add = (key: Key, at: number | null): void => {
    if (at !== null) found.push({ key, at });
  };
  let leftSlow = 0;
  for (const shard of namesAt(seriesRoot)) {
    const directory = join(seriesRoot, shard);
    const keys = namesAt(directory).filter((name) => isKey(name));
    if (leftSlow > 0) {
      leftSlow -= 1;
      for (let start = 0; start < keys.length; start += statAtOnce) {
        const some = keys.slice(start, start + statAtOnce);
        const times = await Promise.all(some.map((key) => timeOfSlow(join(directory, key))));
        for (const [index, key] of some.entries()) add(key, times[index] ?? null);
      }
    } else {
      const beganMs = now();
      for (const key of keys) add(key, timeOf(join(directory, key)));
      if (now() - beganMs > slowMs * keys.length) leftSlow = slowShards;
    }
  }
  return found.sort((a, b) => b.at - a.at || (a.key < b.key ? -1 : 1));
}

/** Whether retention has taken the pixels of a series since. Instances go last, so that none left means nothing left. One that cannot be told is not. */
export function isSweptSince(layout: Layout, key: Key, sinceMs: number): boolean {
  try {
    const revisions = namesAt(layout.series(key)).filter((name) => /^r\d+$/.test(name)).length;
    const sweptMs = timeOf(layout.swept(key, revisions));
    return sweptMs !== null && sweptMs >= sinceMs && namesAt(layout.instances(key)).length === 0;
  } catch {
    return false;
  }
}

function holds(file: string, text: string): boolean {
  try {
    return readFileSync(file).includes(text);
  } catch {
    return false;
  }
}

/** Whether the records of a series may name a Series Instance UID, by their text. One that cannot be read tells none. */
export function mayName(layout: Layout, key: Key, uid: string): boolean {
  try {
    return isNamed(layout, key, uid);
  } catch {
    return false;
  }
}

function isNamed(layout: Layout, key: Key, uid: string): boolean {
  const text = JSON.stringify(uid);
  const revisions = namesAt(layout.series(key)).map((name) => /^r([1-9]\d*)$/.exec(name)?.[1]);
  return revisions.some((digits) => {
    if (digits === undefined) return false;
    const number = Number(digits);
    if (holds(join(layout.revision(key, number), 'series.json'), text)) return true;
    if (!uid.startsWith(ownRoot)) return false;
    const tasks = namesAt(layout.results(key, number));
    return tasks.some((task) => holds(join(layout.result(key, number, task), 'outcome.json'), text));
  });
}
