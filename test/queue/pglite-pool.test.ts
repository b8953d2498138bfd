import { mkdir, mkdtemp, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { openLog } from '../../src/observe/log.js';
import { PglitePool } from '../../src/queue/pglite-pool.js';
import { hasCode } from '../../src/spool/write-once.js';
import { until } from './conformance.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'limpid-pool-'));
});
afterEach(async () => {
  jest.useRealTimers();
  await rm(root, { recursive: true, force: true });
});

const heartBeatMs = 5_000;

type Options = Parameters<typeof PglitePool.open>[0];

const openPool = (change: Pick<Options, 'onLost'> & Partial<Options>): Promise<PglitePool> =>
  PglitePool.open({ directory: join(root, 'queue'), log: openLog('silent'), now: () => Date.now(), ...change });

/** Deletes a folder as a slow volume does: one file after the other, and what has come into it meanwhile. */
async function deleteSlowly(folder: string): Promise<void> {
  for (;;) {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) await deleteSlowly(path);
      else {
        await rm(path, { force: true });
        await sleep(5);
      }
    }
    try {
      await rmdir(folder);
      return;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return;
      // something has come into it
    }
  }
}

it('prepares a new database once, however long the deletion of the old one takes', async () => {
  let lost = 0;
  const pool = await openPool({ onLost: () => void lost++ });
  await rm(join(root, 'queue', 'lock')); // found by the next heart-beat, while the rest is being deleted
  await deleteSlowly(join(root, 'queue'));
  await until(() => lost > 0);
  await sleep(2 * heartBeatMs);
  await pool.query('SELECT 1');
  await pool.end();
  expect(lost).toBe(1);
}, 180_000);

it('makes nothing in the place of a volume that is away, and goes on with what it held once that is back', async () => {
  const volume = join(root, 'volume');
  let isAway = false;
  let nowMs = Date.now();
  let lost = 0;
  const pool = await openPool({
    directory: join(volume, 'queue'),
    isThere: async () => !isAway,
    now: () => nowMs,
    onLost: () => void lost++,
  });
  await pool.query('CREATE TABLE kept (n int)');
  nowMs += 120_000; // not broken soon after it was opened
  isAway = true;
  await rename(volume, join(root, 'elsewhere'));
  await mkdir(volume);
  for (let table = 0; ; table += 1) {
    const made = await Promise.race([pool.query(`CREATE TABLE t${table} (n int)`).catch(() => null), sleep(1_000)]);
    if (made === null || made === undefined) break;
  }
  await sleep(heartBeatMs + 1_000);
  expect(await readdir(volume)).toEqual([]);
  await rm(volume, { recursive: true });
  await rename(join(root, 'elsewhere'), volume);
  isAway = false;
  expect(await pool.query('SELECT n FROM kept')).toMatchObject({ rows: [] });
  await pool.end();
  expect(lost).toBe(0);
}, 180_000);

it('loses its directory once, where a query and the heart-beat of the lock find it gone at the same time', async () => {
  // Only the heart-beat is held, so that it can fall where it does harm.
  jest.useFakeTimers({
    doNotFake: ['setTimeout', 'setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'Date'],
  });
  let lost = 0;
  const pool = await openPool({ onLost: () => void lost++ });
  await rm(join(root, 'queue'), { recursive: true });
  let isBroken = false;
  for (let table = 0; !isBroken; table += 1) {
    isBroken = await pool.query(`CREATE TABLE t${table} (n int)`).then(
      () => false,
      () => true,
    );
  }
  jest.advanceTimersByTime(heartBeatMs);
  await until(() => lost > 0, 60_000);
  // Another opening would begin before this answer.
  await pool.query('SELECT 1');
  await pool.query('SELECT 1');
  await pool.end();
  expect(lost).toBe(1);
}, 120_000);
