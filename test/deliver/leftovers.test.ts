// What a sender that was killed has left in a destination's folder.
import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { folderDestination } from '../../src/deliver/folder-destination.js';
import { Leftovers, temporaryName } from '../../src/deliver/leftovers.js';
import { openClosers } from '../support/closers.js';
import { writeTestFiles } from '../support/part10-files.js';

const closers = openClosers();
const hourMs = 3_600_000;

/** Writes a file into which nothing has come for so long. */
async function leave(folder: string, name: string, agoMs: number): Promise<string> {
  const at = (Date.now() - agoMs) / 1000;
  await writeFile(join(folder, name), 'an image');
  await utimes(join(folder, name), at, at);
  return name;
}

it('goes with the next delivery to its folder; what others have put there, or are writing now, stays', async () => {
  const directory = await closers.folder();
  const foreign = ['.limpid-notes', `${temporaryName()}.bak`, '.limpid-00000000-0000-0000-0000-000000000000'];
  for (const name of foreign) await leave(directory, name, 30 * 24 * hourMs);
  const young = await leave(directory, temporaryName(), hourMs / 2);
  const left = await leave(directory, temporaryName(), hourMs + 60_000);
  const { instances, remove } = await writeTestFiles([{ sopInstanceUid: '1.2.3.1' }]);
  closers.push(remove);
  const outgoing = instances.map((instance) => ({ ...instance, bytes: 40_000, origin: 'result' as const }));
  const destination = folderDestination({ directory, layout: 'flat' }, { sync: 'never', sourceAe: 'LIMPID' });
  const control = { signal: new AbortController().signal, pace: () => Promise.resolve(true) };
  expect((await destination.send(outgoing, control)).outcomes).toMatchObject([{ class: 'delivered' }]);
  for (let tries = 0; tries < 100 && (await readdir(directory)).includes(left); tries++) await sleep(20);
  expect((await readdir(directory)).toSorted()).toEqual([...foreign, young, '1.2.3.1.dcm'].toSorted());
});

it('that is too young to be told from what is being written is looked at again when it is old, and no folder twice for nothing', async () => {
  const [folder, other] = [await closers.folder(), await closers.folder()];
  let nowMs = Date.now();
  const leftovers = new Leftovers(() => nowMs);
  const young = await leave(folder, temporaryName(), hourMs / 2);
  const look = async (): Promise<string[]> => {
    await writeFile(join(other, `${nowMs}`), '');
    await utimes(other, nowMs / 1000, nowMs / 1000);
    leftovers.lookBeside(other, [folder]);
    await leftovers.looked();
    return readdir(folder);
  };
  expect(await look()).toEqual([young]);
  nowMs += hourMs / 2 - 60_000;
  expect(await look()).toEqual([young]);
  nowMs += 120_000;
  expect(await look()).toEqual([]);
  const later = await leave(folder, temporaryName(), 2 * hourMs);
  expect(await look()).toEqual([later]);
});
