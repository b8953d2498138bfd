import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { rested } from '../../src/node/rested.js';

/** Walks that end when they are told to, by a clock that is set. */
function walks() {
  const ends: ((answer: number) => void)[] = [];
  const clock = { nowMs: 0 };
  const walk = (): Promise<number> => new Promise((resolve) => void ends.push(resolve));
  return { ends, clock, ask: rested(walk, () => clock.nowMs) };
}

it('asks anew each time where that takes no time, and once for all who ask at once', async () => {
  const { ends, ask } = walks();
  const both = [ask(), ask()];
  ends[0]?.(1);
  expect(await Promise.all(both)).toEqual([1, 1]);
  const next = ask();
  ends[1]?.(2);
  expect([await next, ends.length]).toEqual([2, 2]);
});

it('gives the last answer while a long walk rests or is under way, and none that is old', async () => {
  const { ends, clock, ask } = walks();
  const first = ask();
  clock.nowMs = 10_000;
  ends[0]?.(1);
  expect(await first).toBe(1);
  clock.nowMs = 39_000;
  expect([await ask(), ends.length]).toEqual([1, 1]);
  clock.nowMs = 41_000;
  expect([await ask(), await ask(), ends.length]).toEqual([1, 1, 2]);
  // The second does not end: what cannot be walked over is not known.
  clock.nowMs = 111_000;
  expect(await Promise.race([ask(), sleep(1000, 'waits')])).toBe('waits');
});

it('asks anew after a walk that failed', async () => {
  let asked = 0;
  const ask = rested(() => (++asked === 1 ? Promise.reject(new Error('away')) : Promise.resolve(asked)));
  await expect(ask()).rejects.toThrow('away');
  expect(await ask()).toBe(2);
});
