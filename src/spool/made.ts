// made/X/NAME: the UIDs of what this node has made, each a name alone. They stay when retention takes the records away, so that
// a result that comes back is known for one even where everything limpid wrote into it was taken out.
import { link, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { instanceNameOf } from './key.js';
import type { Layout } from './layout.js';
import type { OutcomeRecord } from './records.js';
import { hasCode, makeDirectory } from './write-once.js';
import type { DirectorySyncs } from './write-once.js';

/** What every UID that limpid makes begins with (PS3.5 B.2): others need no look. */
const ownRoot = '2.25.';
const lookAtOnce = 32;

/** The marker of a series or SOP Instance UID: few folders, because each that gets a name is synced. */
function markerOf(layout: Layout, uid: string): { readonly folder: string; readonly file: string } {
  const name = instanceNameOf(uid);
  const folder = join(layout.made, name.slice(0, 1));
  return { folder, file: join(folder, name) };
}

/** Marks the UIDs of a result before it is published, so that none can come back unknown. */
export async function markMade(
  layout: Layout,
  syncs: DirectorySyncs,
  { seriesInstanceUid, instances }: Pick<OutcomeRecord, 'seriesInstanceUid' | 'instances'>,
): Promise<void> {
  if (seriesInstanceUid === null || instances.length === 0) return;
  const series = markerOf(layout, seriesInstanceUid);
  await makeDirectory(series.folder, syncs);
  await writeFile(series.file, '', { flag: 'a' });
  const byFolder = new Map<string, string[]>([[series.folder, []]]);
  for (const { sopInstanceUid } of instances) {
    const { folder, file } = markerOf(layout, sopInstanceUid);
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), file]);
  }
  await Promise.all(
    [...byFolder].map(async ([folder, files]) => {
      await makeDirectory(folder, syncs);
      for (const file of files) await markOne(series.file, file);
      await syncs.sync(folder);
    }),
  );
}

/** A second name of the series' empty file: costs no inode. Volumes end the count of names sooner or later. */
async function markOne(of: string, file: string): Promise<void> {
  try {
    await link(of, file);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return;
    if (!hasCode(error, 'EMLINK')) throw error;
    await writeFile(file, '', { flag: 'a' });
  }
}

/** Those of the UIDs that this node has made. */
export async function madeAmong(layout: Layout, uids: readonly string[]): Promise<ReadonlySet<string>> {
  const candidates = uids.filter((uid) => uid.startsWith(ownRoot));
  const made = new Set<string>();
  for (let start = 0; start < candidates.length; start += lookAtOnce) {
    await Promise.all(
      candidates.slice(start, start + lookAtOnce).map(async (uid) => {
        if (await isThere(markerOf(layout, uid).file)) made.add(uid);
      }),
    );
  }
  return made;
}

async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}
