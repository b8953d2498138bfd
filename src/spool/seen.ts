// seen/DAY/X/NAME: the instances that were routed on a day, each a name of a file that holds the KEY of its series, for as long as pixels
// are kept. One SOP Instance UID in two series is a fault of its sender that neither series shows (conformance 5.3). Never synced: what a
// power cut takes away here is a warning that is not given.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isKey } from './key.js';
import type { Key } from './key.js';
import type { Layout } from './layout.js';
import { nameAgain, periodOf, periodsIn, placeIn } from './periods.js';
import { hasCode, makeDirectory } from './write-once.js';
import type { DirectorySyncs } from './write-once.js';

const lookAtOnce = 32;

/**
 * Notes the instances of a series, and finds those that another series brought before. Safe to repeat.
 * @param names of instances, as `instanceNameOf` makes them
 * @returns the other series' KEY by name
 */
export async function seenElsewhere(
  layout: Layout,
  syncs: DirectorySyncs,
  key: Key,
  names: readonly string[],
  nowMs: number,
): Promise<ReadonlyMap<string, Key>> {
  const today = periodOf(nowMs, 'day');
  const own = placeIn(layout.seen, today, key);
  for (const folder of new Set([own, ...names.map((name) => placeIn(layout.seen, today, name))].map((at) => at.folder)))
    await makeDirectory(folder, syncs);
  // Beside the names, which have none: a KEY has as many letters as a name.
  const keyFile = `${own.file}.key`;
  await writeFile(keyFile, key);
  const others = (await periodsIn(layout.seen)).filter((period) => period !== today);
  const elsewhere = new Map<string, Key>();
  for (let start = 0; start < names.length; start += lookAtOnce) {
    await Promise.all(
      names.slice(start, start + lookAtOnce).map(async (name) => {
        const { file } = placeIn(layout.seen, today, name);
        const isFirst = await nameAgain(keyFile, file, key);
        for (const at of [
          ...(isFirst ? [] : [file]),
          ...others.map((day) => join(layout.seen, day, name.slice(0, 1), name)),
        ]) {
          const found = await keyIn(at);
          if (found === null || found === key) continue;
          elsewhere.set(name, found);
          return;
        }
      }),
    );
  }
  return elsewhere;
}

async function keyIn(file: string): Promise<Key | null> {
  try {
    const text = await readFile(file, 'utf8');
    return isKey(text) ? text : null;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}
