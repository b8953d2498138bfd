import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Patience } from '../../src/spool/patience.js';

/** A call that comes back when it is let go. */
function heldCall() {
  let release = (): void => {};
  let fail = (_error: Error): void => {};
  const held = new Promise<string>((resolve, reject) => {
    release = () => resolve('done');
    fail = reject;
  });
  return { call: () => held, release: () => release(), fail: (error: Error) => fail(error) };
}

describe('patience with a volume', () => {
  it('gives what a call gives, and its error', async () => {
    const patience = new Patience();
    expect(await patience.wait(() => Promise.resolve(7), 1000)).toBe(7);
    await expect(patience.wait(() => Promise.reject(new Error('EROFS')), 1000)).rejects.toThrow('EROFS');
    expect(await patience.wait(() => Promise.resolve(8), 1000)).toBe(8);
  });

  it('waits no longer than it may, and asks nothing until the call has come back, in whatever way', async () => {
    for (const comesBack of ['well', 'with an error']) {
      const patience = new Patience();
      const { call, release, fail } = heldCall();
      await expect(patience.wait(call, 10)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
      let asked = false;
      const ask = () => Promise.resolve((asked = true));
      await expect(patience.wait(ask, 1000)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
      expect(asked).toBe(false);
      if (comesBack === 'well') release();
      else fail(new Error('ESTALE'));
      await sleep(0);
      expect(await patience.wait(ask, 1000)).toBe(true);
    }
  });

  it('holds nobody up who is told to stop', async () => {
    const stopped = new AbortController();
    const waiting = new Patience(20).wait(heldCall().call, 3_600_000, stopped.signal);
    stopped.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    const late = new Patience(20).wait(heldCall().call, 3_600_000, stopped.signal);
    await expect(late).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });
});
