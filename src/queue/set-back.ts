// BullMQ measures with the wall clock: one that was set back would hold delayed jobs.
import type { Job } from 'bullmq';
import { stillSo } from './still-so.js';

type DelayedJob = Pick<Job, 'timestamp' | 'processedOn' | 'promote' | 'isDelayed'>;

/** Jobs that one question is about: the store answers it in much less than a second. */
const pageJobs = 100;

/** Has a delayed job run now. @returns false where it has begun or gone meanwhile */
export function promoteDelayed(job: Pick<DelayedJob, 'promote' | 'isDelayed'>): Promise<boolean> {
  return stillSo(
    () => job.promote(),
    () => job.isDelayed(),
  );
}

/**
 * Promotes the delayed jobs that ran last at a time that is still to come: the clock was set back since, and they would wait until it
 * stands again where it stood. A job that is not found so waits at most as long again as it was told to.
 *
 * @param ask puts one question to the store
 * @returns how many
 */
export async function promoteFromFuture(
  queue: { getDelayed(start: number, end: number): Promise<DelayedJob[]> },
  nowMs: number,
  ask: <T>(question: () => Promise<T>) => Promise<T>,
): Promise<number> {
  let promoted = 0;
  for (let start = 0; ;) {
    const page = await ask(async () => {
      const jobs = await queue.getDelayed(start, start + pageJobs - 1);
      let taken = 0;
      for (const job of jobs) {
        if ((job.processedOn ?? job.timestamp) > nowMs && (await promoteDelayed(job))) taken += 1;
      }
      return { jobs: jobs.length, taken };
    });
    promoted += page.taken;
    if (page.jobs < pageJobs) return promoted;
    start += page.jobs - page.taken;
  }
}
