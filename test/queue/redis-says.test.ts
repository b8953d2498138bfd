import { describe, expect, it } from '@jest/globals';
import { inRedisWords } from '../../src/queue/redis-says.js';

describe('what a Redis says that refuses', () => {
  it.each([
    ["OOM command not allowed when used memory > 'maxmemory'.", /^OOM: Redis is full: give it more memory/],
    ['MISCONF Redis is configured to save RDB snapshots', /^MISCONF: Redis cannot save its data: free its disk/],
    ["READONLY You can't write against a read only replica.", /^READONLY: this Redis is a replica: queue\.url/],
    ['LOADING Redis is loading the dataset in memory', /^LOADING: Redis still reads its data/],
    ['NOAUTH Authentication required.', /^NOAUTH: .*queue\.passwordFile/],
    ['WRONGPASS invalid username-password pair', /^WRONGPASS: .*queue\.passwordFile/],
    ["Stream isn't writeable and enableOfflineQueue options is false", /^Redis is not reached, or still reads/],
  ])('%s comes with what to do, and in its own words behind', (message, says) => {
    const error = new Error(message);
    expect(inRedisWords(error)).toMatchObject({ message: expect.stringMatching(says), cause: error });
  });

  it('is left as it is where nothing better is known', () => {
    const error = new Error('connect ECONNREFUSED 127.0.0.1:6379');
    expect(inRedisWords(error)).toBe(error);
  });
});
