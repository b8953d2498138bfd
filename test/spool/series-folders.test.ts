// The walk over all series: what it finds, however slow the volume, and who shares it.
import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { keyOf } from '../../src/spool/key.js';
import type { Key } from '../../src/spool/key.js';
import { SeriesFolders } from '../../src/spool/series-folders.js';
import { openSpool } from '../../src/spool/open-spool.js';
import type { Spool } from '../../src/spool/spool.js';
import { mayName, newestFirst } from '../../src/spool/walk.js';
import type { SeriesFolder } from '../../src/spool/walk.js';
import { outcomeRecord, seriesRecord } from '../support/records.js';
import { withFolder } from '../support/temporary.js';

async function withSpool(body: (spool: Spool) => Promise<void>): Promise<void> {
  await withFolder(async (directory) => {
    const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
    try {
      await body(spool);
    } finally {
      await spool.close();
    }
  });
}

async function madeSeries(spool: Spool, count: number): Promise<Key[]> {
  const keys = Array.from({ length: count }, (_unused, index) => keyOf('1.2', `1.2.${index}`));
  for (const [index, key] of keys.entries()) {
    await mkdir(spool.layout.series(key), { recursive: true });
    await utimes(spool.layout.series(key), 1000 + index, 1000 + index);
  }
  return keys.toReversed();
}

it('finds every series on a slow volume as on a fast one, and nothing else', async () => {
  await withSpool(async (spool) => {
    const { layout } = spool;
    const keys = await madeSeries(spool, 60);
    await writeFile(join(layout.seriesRoot, '.DS_Store'), '');
    await mkdir(join(layout.seriesRoot, 'lost+found'));
    let nowMs = 0;
    const keysOf = (folders: readonly SeriesFolder[]) => folders.map(({ key }) => key);
    expect(keysOf(await newestFirst(layout, () => 0))).toEqual(keys);
    expect(keysOf(await newestFirst(layout, () => (nowMs += 1000)))).toEqual(keys);
    expect(nowMs).toBeLessThan(2 * 60 * 1000); // the most were asked for at once
    expect(await spool.allKeys()).toEqual(keys);
    await rm(layout.seriesRoot, { recursive: true });
    expect(await spool.allKeys()).toEqual([]);
  });
});

it('many who ask at once share a walk, and none that began before they asked', async () => {
  await withSpool(async (spool) => {
    const [newest] = await madeSeries(spool, 5);
    const first = spool.newestFirst();
    let begun = spool.newestFirst();
    while (begun === first) {
      await Promise.resolve();
      begun = spool.newestFirst();
    }
    const late = keyOf('1.2', '1.2.late');
    await mkdir(spool.layout.series(late), { recursive: true });
    const asked = Array.from({ length: 8 }, () => spool.newestFirst());
    expect(new Set(asked).size).toBe(1);
    expect((await asked[0])?.slice(0, 2).map(({ key }) => key)).toEqual([late, newest]);
    await Promise.all([first, begun]);
  });
});

it('tells which series may name a UID from their records alone', async () => {
  await withSpool(async (spool) => {
    const { layout } = spool;
    const keys = ['1', '2', '3'].map((number) => keyOf('1.2', `1.2.${number}`));
    for (const [index, key] of keys.entries()) {
      await spool.publishRevision(seriesRecord(1, [`1.1.${index}`], { key, seriesInstanceUid: `1.2.${index + 1}` }));
      const outcome = outcomeRecord([`1.1.${index}`], { seriesInstanceUid: `2.25.${index + 1}` });
      await spool.publishOutcome(key, 1, outcome, null);
    }
    const naming = (uid: string): Promise<readonly Key[]> => spool.folders.mayName(keys, uid);
    expect(await naming('1.2.2')).toEqual([keys[1]]);
    expect(await naming('2.25.3')).toEqual([keys[2]]);
    expect(await naming('1.2')).toEqual([]);
    expect(await naming('2.25')).toEqual([]);
    const odd = keyOf('1.2', 'odd');
    await spool.publishRevision(seriesRecord(1, ['1'], { key: odd, seriesInstanceUid: 'a"b\\c.\u00fc' }));
    expect(mayName(layout, odd, 'a"b\\c.\u00fc')).toBe(true);
  });
});

it('ends its thread when nobody asks, and starts another one for who does', async () => {
  await withSpool(async (spool) => {
    const keys = await madeSeries(spool, 3);
    const folders = new SeriesFolders(spool.layout.root, 50);
    expect((await folders.newestFirst()).map(({ key }) => key)).toEqual(keys);
    expect(folders.threads).toBe(1);
    while (folders.threads > 0) await sleep(10);
    expect((await folders.newestFirst()).map(({ key }) => key)).toEqual(keys);
    await folders.close();
  });
});
