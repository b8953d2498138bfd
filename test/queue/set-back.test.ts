// What keeps jobs right when the wall clock is set back.
import { describe, expect, it } from '@jest/globals';
import { promoteFromFuture } from '../../src/queue/set-back.js';

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
