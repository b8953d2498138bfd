import { describe, expect, it } from '@jest/globals';
import { batched } from '../../src/enhance/batches.js';

/** Runs that remember their batches; each answer is ten times its call. A run that holds a 13 fails. */
function recorder(most: number) {
  const batches: number[][] = [];
  const call = batched<number, number>({
    alike: (first, other) => first % 2 === other % 2,
    most: () => most,
    run: (batch) => {
      batches.push([...batch]);
      if (batch.includes(13)) return Promise.reject(new Error('thirteen'));
      return Promise.resolve(batch.map((value) => 10 * value));
    },
  });
  return { batches, call };
}

describe('calls gathered into batches', () => {
  it('are answered each with its own, in batches of calls that are alike, the oldest first', async () => {
    const { batches, call } = recorder(3);
    expect(await Promise.all([2, 4, 1, 6, 8, 3].map(call))).toEqual([20, 40, 10, 60, 80, 30]);
    expect(batches).toEqual([[2, 4, 6], [1, 3], [8]]);
  });
  it('go one by one where a batch has room for none', async () => {
    const { batches, call } = recorder(0);
    expect(await Promise.all([2, 4].map(call))).toEqual([20, 40]);
    expect(batches).toEqual([[2], [4]]);
  });
  it('fail with their batch, and only with it', async () => {
    const { call } = recorder(2);
    const settled = await Promise.allSettled([11, 13, 15, 17].map(call));
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled', 'fulfilled']);
  });
  it('do not wait for company', async () => {
    const { batches, call } = recorder(8);
    expect(await call(2)).toBe(20);
    expect(await call(4)).toBe(40);
    expect(batches).toEqual([[2], [4]]);
  });
});
