import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it, jest } from '@jest/globals';
import { startOf } from '../../src/spool/process-folder.js';
import { takeProcessLock } from '../../src/spool/process-lock.js';

afterEach(() => void jest.useRealTimers());

it('a volume that does not answer is asked by one heart-beat at a time', async () => {
  jest.useFakeTimers({ doNotFake: ['setTimeout', 'setImmediate', 'nextTick', 'queueMicrotask', 'Date'] });
  const root = await mkdtemp(join(tmpdir(), 'limpid-lock-'));
  let asked = 0;
  const lock = await takeProcessLock(join(root, 'lock'), {
    own: { host: 'here', pid: process.pid, start: startOf(process.pid) },
    now: () => Date.now(),
    code: 'SPOOL_LOCKED',
    what: 'the spool',
    isThere: () => {
      asked += 1;
      return asked === 1 ? new Promise(() => undefined) : Promise.resolve(false);
    },
  });
  await rm(join(root, 'lock'));
  for (let beat = 0; beat < 5; beat += 1) {
    jest.advanceTimersByTime(5_000);
    await sleep(50); // what the beat asks of the file system
  }
  expect(asked).toBe(1);
  await lock.release();
  await rm(root, { recursive: true });
});
