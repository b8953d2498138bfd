import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ownIdentity, startOf } from '../../src/spool/process-folder.js';
import { takeProcessLock } from '../../src/spool/process-lock.js';
import { withFolder } from '../support/temporary.js';

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

interface Holder {
  readonly host: string;
  /** ms that its last heart-beat is ago, by this machine's clock. */
  readonly age: number;
  readonly lives: boolean;
}

/** How it ends who asks for a lock that one outside this process space has left, or holds. */
const askedFor = ({ host, age, lives }: Holder): Promise<string> =>
  withFolder(async (folder) => {
    const file = join(folder, 'lock');
    await writeFile(file, JSON.stringify({ host, pid: 2 ** 22 - 1, start: '1', space: 'pid:[1]' }));
    const since = performance.now();
    const beat = (): Promise<void> => {
      const at = (Date.now() - age + performance.now() - since) / 1000;
      return utimes(file, at, at);
    };
    await beat();
    const beating = lives ? setInterval(() => void beat().catch(() => undefined), 1000) : undefined;
    try {
      const lock = await takeProcessLock(file, {
        own: ownIdentity('here'),
        now: () => Date.now(),
        code: 'SPOOL_LOCKED',
        what: 'the spool',
      });
      await lock.release();
      return 'taken';
    } catch (error) {
      return error instanceof Error ? error.message : 'not an error';
    } finally {
      clearInterval(beating);
    }
  });

describe('the lock of a process that is not among those seen here', () => {
  it('of this machine is held while its heart beats, and waited for where it does not', async () => {
    const asked = [true, false].map((lives) => askedFor({ host: 'here', age: 15_000, lives }));
    expect(await Promise.all(asked)).toEqual([
      'the spool is held by process 4194303 in another container of this machine',
      'taken',
    ]);
  }, 60_000);

  it('of another machine is held while its heart beats, whatever its clock says, and no longer', async () => {
    const hour = 3_600_000;
    const host = 'another';
    const asked = [hour, -hour].flatMap((age) => [true, false].map((lives) => askedFor({ host, age, lives })));
    const held = 'the spool is held by process 4194303 on another';
    expect(await Promise.all(asked)).toEqual([held, 'taken', held, 'taken']);
    expect(await askedFor({ host, age: 10_000, lives: false })).toBe(held); // and is asked for again
  }, 60_000);
});
