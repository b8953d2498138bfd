// Waiting no longer than so.
import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { within } from '../src/deadline.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const never = new Promise<never>(() => undefined);

describe('an answer within a time', () => {
  it('is given as it is, its error too, and no timer is left', async () => {
    expect(await within(1000, Promise.resolve(7), () => 'late')).toBe(7);
    expect(jest.getTimerCount()).toBe(0);
    await expect(within(1000, Promise.reject(new Error('no')), () => 'late')).rejects.toThrow('no');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('that does not come is replaced by what is given or thrown instead, then and not before', async () => {
    let asked = 0;
    const late = () => `${++asked}`;
    const waiting = within(1000, never, late);
    await jest.advanceTimersByTimeAsync(999);
    expect(asked).toBe(0);
    await jest.advanceTimersByTimeAsync(1);
    expect(await waiting).toBe('1');
    const failing = within(1000, never, (): never => {
      throw new Error('too late');
    });
    const failed = expect(failing).rejects.toThrow('too late');
    await jest.advanceTimersByTimeAsync(1000);
    await failed;
    expect(jest.getTimerCount()).toBe(0);
  });

  it('that comes too late is of no effect, its error neither', async () => {
    let fail = (_error: Error): void => undefined;
    const answer = new Promise<string>((_resolve, reject) => (fail = reject));
    const waiting = within(10, answer, () => 'late');
    await jest.advanceTimersByTimeAsync(10);
    fail(new Error('afterwards'));
    jest.useRealTimers();
    await new Promise((resolve) => setImmediate(resolve)); // by then jest has heard of a rejection that nobody handles, and fails
    expect(await waiting).toBe('late');
  });

  it('is waited for a moment longer only by who is told to stop, before or meanwhile', async () => {
    const stop = new AbortController();
    const waits = () => within(3_600_000, never, () => 'left', { signal: stop.signal, leaveMs: 20 });
    const meanwhile = waits();
    stop.abort();
    const before = waits();
    await jest.advanceTimersByTimeAsync(19);
    expect(jest.getTimerCount()).toBe(4);
    await jest.advanceTimersByTimeAsync(1);
    expect(await Promise.all([meanwhile, before])).toEqual(['left', 'left']);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('never takes longer because of a stop, and leaves its signal alone', async () => {
    const stop = new AbortController();
    const waiting = within(20, never, () => 'late', { signal: stop.signal, leaveMs: 5_000 });
    stop.abort();
    await jest.advanceTimersByTimeAsync(20);
    expect(await waiting).toBe('late');
    const other = new AbortController();
    await within(20, Promise.resolve(), () => 'late', { signal: other.signal, leaveMs: 5 });
    expect(getEventListeners(other.signal, 'abort')).toEqual([]);
  });
});
