// What a worker does about locks and about workers that are gone, without a store.
import { hostname } from 'node:os';
import { describe, expect, it, jest } from '@jest/globals';
import { z } from 'zod';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { openConsumer } from '../../src/queue/consumer.js';
import { isDeadWorker, ownWorkerName } from '../../src/queue/orphans.js';
import type { Store } from '../../src/queue/store.js';
import { key } from '../support/records.js';

/** A store whose one worker is the test's; of these jobs others have the locks. */
function storeOf(taken: Parameters<Store['worker']>[1][], lost: readonly string[]): Store {
  const unused = (): never => {
    throw new Error('not asked for');
  };
  return {
    kind: 'redis',
    queue: unused,
    events: unused,
    keepLock: (_name, { id = '' }) => Promise.resolve(!lost.includes(id)),
    waitingSince: unused,
    mark: unused,
    notice: () => Promise.resolve(null),
    onBack: unused,
    close: unused,
    worker: (_, run) => {
      taken.push(run);
      return { on: () => undefined, close: () => Promise.resolve() };
    },
  };
}

describe('a worker', () => {
  it('ends the job whose lock is lost, as another one may have it, and no other job', async () => {
    jest.useFakeTimers();
    const taken: Parameters<Store['worker']>[1][] = [];
    const signals = new Map<string, AbortSignal>();
    const ends: (() => void)[] = [];
    const deps = { log: openLog('silent'), metrics: openMetrics(), now: () => 0, onError: () => undefined };
    const consumer = openConsumer({ ...deps, store: storeOf(taken, ['a']) }, 'tasks', 2, async (_, { id, signal }) => {
      signals.set(id, signal);
      await new Promise<void>((resolve) => ends.push(resolve));
      return 'done';
    });
    const job = (id: string) => ({ id, data: { key, revision: 1 } });
    const running = ['a', 'b'].map((id) => Reflect.apply(taken[0] ?? (() => undefined), null, [job(id), 'token']));
    await jest.advanceTimersByTimeAsync(10_000);
    expect([signals.get('a')?.aborted, signals.get('b')?.aborted]).toEqual([true, false]);
    for (const end of ends) end();
    await Promise.all(running);
    jest.useRealTimers();
    await consumer.close();
  });
});

describe('the worker of a job', () => {
  const [space, , , start] = z.tuple([z.string(), z.string(), z.int(), z.string()]).parse(JSON.parse(ownWorkerName()));
  const noProcess = 2 ** 22 + 1; // beyond what Linux gives
  const named = (...parts: readonly unknown[]): string => JSON.stringify(parts);

  it('is known to be gone on this machine only', () => {
    expect(isDeadWorker(ownWorkerName())).toBe(false);
    expect(isDeadWorker(named(space, hostname(), noProcess, start))).toBe(true);
    expect(isDeadWorker(named(space, hostname(), process.pid, 'another start'))).toBe(true);
    expect(isDeadWorker(named(space, 'another machine', noProcess, start))).toBe(false);
    expect(isDeadWorker(named('another container', hostname(), noProcess, start))).toBe(false);
    for (const name of [
      undefined,
      '',
      'worker',
      '{}',
      '[]',
      named(space, hostname(), 'x', start),
      named('', hostname(), noProcess, start),
    ])
      expect(isDeadWorker(name)).toBe(false);
  });
});
