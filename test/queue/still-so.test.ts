// Acting on a job that may have gone, and come back, since it was looked at.
import { expect, it } from '@jest/globals';
import { stillSo } from '../../src/queue/still-so.js';

/** Fails so many times. */
function failing(times: number): { act: () => Promise<void>; calls: () => number } {
  let calls = 0;
  const act = (): Promise<void> => (++calls > times ? Promise.resolve() : Promise.reject(new Error('not delayed')));
  return { act, calls: () => calls };
}

it.each([
  ['a job that is there', 0, true, true, 1],
  ['one that has gone', 1, false, false, 1],
  ['one that has gone and come back', 1, true, true, 2],
])('%s', async (_, times, isSo, expected, calls) => {
  const tried = failing(times);
  expect(await stillSo(tried.act, () => Promise.resolve(isSo))).toBe(expected);
  expect(tried.calls()).toBe(calls);
});

it('a store that does not take it says why', async () => {
  await expect(stillSo(failing(2).act, () => Promise.resolve(true))).rejects.toThrow('not delayed');
});
