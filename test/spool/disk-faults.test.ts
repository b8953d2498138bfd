// A disk that fails between the name of a file and the proof that it keeps it.
import { existsSync } from 'node:fs';
import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, jest } from '@jest/globals';
import { openSpool } from '../../src/spool/open-spool.js';
import type { Spool } from '../../src/spool/spool.js';
import { DirectorySyncs } from '../../src/spool/write-once.js';
import { actionRecord, decisionRecord, key, outcomeRecord, resolvedTask, seriesRecord } from '../support/records.js';
import { withFolder } from '../support/temporary.js';

const task = resolvedTask().name;
const failure = Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' });
const syncDirectory = jest.spyOn(DirectorySyncs.prototype, 'sync');

function failFor(failing: string): void {
  syncDirectory.mockImplementation((directory) =>
    directory === failing ? Promise.reject(failure) : Promise.resolve(),
  );
}

function withRevision(body: (spool: Spool) => Promise<void>): Promise<void> {
  return withFolder(async (directory) => {
    const spool = await openSpool({ directory, sync: 'always', host: hostname(), now: Date.now });
    try {
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      await spool.publishDecision(decisionRecord(1));
      await body(spool);
    } finally {
      await spool.close();
    }
  });
}

afterEach(() => void syncDirectory.mockReset());

it('a result that has its name is told as published: nobody else tells of it, and it goes out', async () => {
  await withRevision(async (spool) => {
    failFor(spool.layout.results(key, 1));
    expect(await spool.publishOutcome(key, 1, outcomeRecord(['1.1']), null)).toBe(true);
    expect((await spool.state(key)).revisions[0]?.tasks.get(task)?.outcome).toMatchObject({ outcome: 'enhanced' });
    expect(await spool.publishOutcome(key, 1, outcomeRecord(['1.1']), null)).toBe(false);
  });
});

it('a delivery that could not be said to have begun leaves no word that the peer may have something', async () => {
  await withRevision(async (spool) => {
    failFor(spool.layout.deliveries(key, 1, task, 'pacs'));
    await expect(spool.beginDelivery(key, 1, task, 'pacs')).rejects.toBe(failure);
    expect((await spool.state(key)).revisions[0]?.begun).toEqual(new Set());
  });
});

it('one that an earlier batch of the process has begun stays so', async () => {
  await withRevision(async (spool) => {
    failFor('');
    await spool.beginDelivery(key, 1, task, 'pacs');
    failFor(spool.layout.deliveries(key, 1, task, 'pacs'));
    const recorded = await spool.beginDelivery(key, 1, task, 'pacs');
    await recorded();
    expect((await spool.state(key)).revisions[0]?.begun).toEqual(new Set([`${task}@pacs`]));
  });
});

it('an action that has its name counts at once, and who asked for it is told so', async () => {
  await withRevision(async (spool) => {
    await writeFile(spool.active.fileOf(key), '');
    await utimes(spool.active.fileOf(key), 1, 1);
    failFor(spool.layout.actions(key));
    const recorded = spool.recordAction(key, actionRecord({ kind: 'hold' }));
    await expect(recorded).rejects.toMatchObject({ code: 'SPOOL_UNUSABLE', cause: failure });
    await expect(recorded).rejects.toThrow('the hold counts (');
    expect((await spool.state(key)).actions).toHaveLength(1);
    expect((await spool.active.keys()).get(key)).toBeGreaterThan(1_000);
  });
});

it('an action whose series can no longer be marked is not lost on one that was done', async () => {
  await withRevision(async (spool) => {
    failFor('');
    await rm(spool.active.fileOf(key), { force: true });
    const touch = jest.spyOn(spool.active, 'touch').mockRejectedValue(failure);
    await expect(spool.recordAction(key, actionRecord({ kind: 'requeue' }))).rejects.toBe(failure);
    touch.mockRestore();
    expect((await spool.state(key)).actions).toHaveLength(1);
    expect([...(await spool.active.keys()).keys()]).toEqual([key]);
  });
});

it('a folder of a failed task that the disk does not let go goes before the next one is made', async () => {
  await withRevision(async (spool) => {
    const before = await spool.freshFolder('task');
    await rm(before, { recursive: true });
    await writeFile(before, ''); // what lies in it cannot be reached: ENOTDIR
    const folder = join(before, 'objects');
    await spool.dropFolder(folder);
    await rm(before);
    await mkdir(folder, { recursive: true });
    await spool.freshFolder('task');
    expect(existsSync(folder)).toBe(false);
  });
});
