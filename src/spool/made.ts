// made/PERIOD/X/NAME: the UIDs of what this node has made in a month, each a name alone, for as long as records are kept. A result that
// comes back is known for one even where everything limpid wrote into it was taken out. After that its marks tell it, and its UIDs' form.
import { writeFile } from 'node:fs/promises';
import { instanceNameOf } from './key.js';
import type { Layout } from './layout.js';
import { nameAgain, periodOf, periodsIn, placeIn } from './periods.js';
import type { OutcomeRecord } from './records.js';
import { isThere, makeDirectory } from './write-once.js';
import type { DirectorySyncs } from './write-once.js';

/** What every UID that limpid makes begins with (PS3.5 B.2): others need no look. */
export const ownRoot = '2.25.';
const lookAtOnce = 32;

/** Marks the UIDs of a result before it is published, so that none can come back unknown. */
export async function markMade(
  layout: Layout,
  syncs: DirectorySyncs,
  { seriesInstanceUid, instances }: Pick<OutcomeRecord, 'seriesInstanceUid' | 'instances'>,
  nowMs: number,
): Promise<void> {
  if (seriesInstanceUid === null || instances.length === 0) return;
  const period = periodOf(nowMs, 'month');
  const placeOf = (uid: string): ReturnType<typeof placeIn> => placeIn(layout.made, period, instanceNameOf(uid));
  const series = placeOf(seriesInstanceUid);
  await makeDirectory(series.folder, syncs);
  await writeFile(series.file, '', { flag: 'a' });
  const byFolder = new Map<string, string[]>([[series.folder, []]]);
  for (const { sopInstanceUid } of instances) {
    const { folder, file } = placeOf(sopInstanceUid);
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), file]);
  }
  await Promise.all(
    [...byFolder].map(async ([folder, files]) => {
      await makeDirectory(folder, syncs);
      for (const file of files) await nameAgain(series.file, file, '');
      await syncs.sync(folder);
    }),
  );
}

/** Those of the UIDs that this node has made. */
export async function madeAmong(layout: Layout, uids: readonly string[]): Promise<ReadonlySet<string>> {
  const candidates = uids.filter((uid) => uid.startsWith(ownRoot));
  const made = new Set<string>();
  if (candidates.length === 0) return made;
  const periods = await periodsIn(layout.made);
  for (let start = 0; start < candidates.length; start += lookAtOnce) {
    await Promise.all(
      candidates.slice(start, start + lookAtOnce).map(async (uid) => {
        const name = instanceNameOf(uid);
        for (const period of periods) {
          if (!(await isThere(placeIn(layout.made, period, name).file))) continue;
          made.add(uid);
          return;
        }
      }),
    );
  }
  return made;
}
