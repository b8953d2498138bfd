import { describe, expect, it } from '@jest/globals';
import { removeStray } from '../../src/queue/stray.js';

type Found = Awaited<ReturnType<Parameters<typeof removeStray>[0]>>;

type State = Awaited<ReturnType<NonNullable<Found>['getState']>>;

/** A job of that state, and whether it was removed. BullMQ's `unknown` is a state of a job that stands in no list. */
function jobOf(state: State): { job: NonNullable<Found>; removed: () => boolean } {
  let isRemoved = false;
  const remove = (): Promise<void> => {
    isRemoved = true;
    return Promise.resolve();
  };
  const getState = (): Promise<State> => Promise.resolve(state);
  return { job: { getState, remove }, removed: () => isRemoved };
}

describe('a job that stands in no list', () => {
  it('is taken away', async () => {
    const { job, removed } = jobOf('unknown');
    expect(await removeStray(() => Promise.resolve(job))).toBe(true);
    expect(removed()).toBe(true);
  });
  it('is none that has just ended: it is gone when it is looked for again', async () => {
    const { job, removed } = jobOf('unknown');
    const found: Found[] = [job, undefined];
    expect(await removeStray(() => Promise.resolve(found.shift()))).toBe(false);
    expect(removed()).toBe(false);
  });
  it.each<State>(['prioritized', 'active', 'delayed'])('is none that is %s', async (state) => {
    const { job, removed } = jobOf(state);
    expect(await removeStray(() => Promise.resolve(job))).toBe(false);
    expect(removed()).toBe(false);
  });
});
