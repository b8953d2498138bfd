import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { openLog } from '../../src/observe/log.js';
import { PglitePool } from '../../src/queue/pglite-pool.js';
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

it('loses its directory once, where a query and the heart-beat of the lock find it gone at the same time', async () => {
  // Only the heart-beat is held, so that it can fall where it does harm.
  jest.useFakeTimers({
    doNotFake: ['setTimeout', 'setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'Date'],
  });
  let lost = 0;
  const pool = await PglitePool.open({
    directory: join(root, 'queue'),
    log: openLog('silent'),
    now: () => Date.now(),
    onLost: () => void lost++,
  });
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
