// What keeps jobs right when the wall clock is set back.
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { keepLock, promoteFromFuture } from '../../src/queue/set-back.js';

afterEach(() => {
  jest.useRealTimers();
});

describe('the lock of a running job', () => {
  it('is extended while the clock stands before where it stood, and left to BullMQ else', () => {
    jest.useFakeTimers();
    let nowMs = 1_000_000;
    let extended = 0;
    const extend = () => {
      extended += 1;
      return Promise.reject(new Error('the store is away'));
    };
    const release = keepLock(extend, 30_000, () => nowMs);
    const pass = (): void => {
      nowMs += 10_000;
      jest.advanceTimersByTime(10_000);
    };
    for (let turn = 0; turn < 5; turn++) pass();
    expect(extended).toBe(0);
    nowMs -= 25_000;
    for (let turn = 0; turn < 5; turn++) pass();
    expect(extended).toBe(2); // 15 s and 5 s behind; then it has caught up
    nowMs -= 3_600_000;
    release();
    pass();
    expect(extended).toBe(2);
  });
});

describe('delayed jobs that ran last at a time still to come', () => {
  it('are promoted, those of all pages and no others, and one that has begun meanwhile is no fault', async () => {
    const nowMs = 5_000;
    const promoted: number[] = [];
    let delayed: ReturnType<typeof jobOf>[] = [];
    const jobOf = (index: number) => {
      const began = index === 7;
      const fake = {
        timestamp: 1,
        processedOn: index % 2 === 0 ? 4_000 : 6_000,
        promote: () => {
          if (began) return Promise.reject(new Error('not delayed'));
          promoted.push(index);
          delayed = delayed.filter((one) => one !== fake);
          return Promise.resolve();
        },
        isDelayed: () => Promise.resolve(false),
      };
      return fake;
    };
    delayed = Array.from({ length: 250 }, (_, index) => jobOf(index));
    let asked = 0;
    const count = await promoteFromFuture(
      { getDelayed: (start, end) => Promise.resolve(delayed.slice(start, end + 1)) },
      nowMs,
      (question) => {
        asked += 1;
        return question();
      },
    );
    expect(promoted).toEqual(Array.from({ length: 125 }, (_, index) => 2 * index + 1).filter((index) => index !== 7));
    expect([count, asked]).toEqual([124, 3]);
  });
});
