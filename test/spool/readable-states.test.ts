// The states of many series, for whoever looks at all of them.
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { LimpidError } from '../../src/errors.js';
import { keyOf } from '../../src/spool/key.js';
import { readableStates } from '../../src/spool/readable-states.js';
import { seriesState } from '../support/records.js';

const keys = Array.from({ length: 20 }, (_unused, index) => keyOf('1.2', `1.2.${index}`));

it('several are read at once, and come in their order without those that cannot be read', async () => {
  let reading = 0;
  let most = 0;
  const spool = {
    state: async (key: (typeof keys)[number]) => {
      most = Math.max(most, ++reading);
      await delay(key === keys[0] ? 20 : 1);
      reading -= 1;
      if (key === keys[3]) throw new LimpidError('SPOOL_RECORD_INVALID', 'cut');
      return { ...seriesState([]), key };
    },
  };
  const read: string[] = [];
  for await (const { key } of readableStates(spool, keys)) read.push(key);
  expect(read).toEqual(keys.filter((_key, index) => index !== 3));
  expect(most).toBe(8);
});

it('a volume that does not answer ends the walk', async () => {
  const spool = { state: () => Promise.reject(Object.assign(new Error('away'), { code: 'ESTALE' })) };
  const walk = async (): Promise<void> => {
    for await (const state of readableStates(spool, keys)) expect(state).toBeNull();
  };
  await expect(walk()).rejects.toThrow('away');
});
