import { describe, expect, it } from '@jest/globals';
import { startThread } from '../../src/threads/thread.js';
import type { Methods, Result } from '../../src/threads/thread.js';

interface OneCall extends Methods {
  double(argument: number): Promise<Result<number>>;
  die(argument: null): Promise<Result<null>>;
}
const ofOneCall = new URL('../support/thread-of-one-call.js', import.meta.url);
const withoutModule = new URL('../support/thread-without-module.js', import.meta.url);

describe('a thread', () => {
  it('answers calls, and its death is told to those that wait', async () => {
    const thread = startThread<OneCall>(ofOneCall);
    expect(await thread.call('double', 21, { deadlineMs: null })).toBe(42);
    await expect(thread.call('die', null, { deadlineMs: null })).rejects.toMatchObject({
      why: 'died',
      code: 'INTERNAL',
    });
    expect(thread.alive).toBe(false);
    await expect(thread.call('double', 1, { deadlineMs: null })).rejects.toMatchObject({ why: 'died' });
  });
  it('that dies of its first call has started', async () => {
    const call = startThread<OneCall>(ofOneCall).call('die', null, { deadlineMs: null });
    await expect(call).rejects.toMatchObject({ why: 'died' });
  });
  it('that could not load its module is no fault of what it was asked: it has the code of the cause', async () => {
    const call = startThread<OneCall>(withoutModule).call('double', 1, { deadlineMs: null });
    await expect(call).rejects.toMatchObject({
      why: 'not started',
      code: 'NODE_DESCRIPTORS',
      message: expect.stringMatching(/^a thread did not start: .*EMFILE: too many open files$/),
    });
  });
});
