// The lock of a running job while its store is away, refuses, or has given the job to another.
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { keepLock } from '../../src/queue/keep-lock.js';

afterEach(() => {
  jest.useRealTimers();
});

describe('the lock of a running job', () => {
  it('is kept in spite of faults, which are told, until another one has the job; that is told once', async () => {
    jest.useFakeTimers();
    const answers: (boolean | Error)[] = [true, new Error('OOM command not allowed'), true, false, true];
    let [asked, lost] = [0, 0];
    const failed: string[] = [];
    const keep = async (): Promise<boolean> => {
      const answer = answers[asked++] ?? true;
      if (answer instanceof Error) throw answer;
      return answer;
    };
    const release = keepLock(keep, {
      lost: () => void (lost += 1),
      failed: ({ message }) => void failed.push(message),
    });
    await jest.advanceTimersByTimeAsync(60_000);
    expect({ asked, lost, failed }).toEqual({ asked: 4, lost: 1, failed: ['OOM command not allowed'] });
    release();
  });

  it('is asked for once of a store that is away, and no more once the job has ended', async () => {
    jest.useFakeTimers();
    const answers: ((kept: boolean) => void)[] = [];
    let lost = 0;
    const release = keepLock(() => new Promise((resolve) => answers.push(resolve)), {
      lost: () => void (lost += 1),
      failed: () => undefined,
    });
    await jest.advanceTimersByTimeAsync(60_000);
    expect(answers).toHaveLength(1);
    release();
    answers[0]?.(false);
    await jest.advanceTimersByTimeAsync(60_000);
    expect([answers.length, lost]).toEqual([1, 0]);
  });
});
