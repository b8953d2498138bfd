// BullMQ measures with the wall clock: one that was set back would hold delayed jobs, and let the locks of running ones run out.
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

/**
 * Keeps the lock of a running job while the clock stands before where it stood: BullMQ renews none then until it has caught up, and the
 * job would be handed out a second time.
 *
 * @param lockMs how long a lock lasts
 * @returns ends it
 */
export function keepLock(extend: () => Promise<unknown>, lockMs: number, now: () => number): () => void {
  let latestMs = now();
  const timer = setInterval(() => {
    const nowMs = now();
    // A store that is away: BullMQ tells so itself, and the next turn tries again.
    if (nowMs < latestMs) void extend().catch(() => undefined);
    else latestMs = nowMs;
  }, lockMs / 3).unref();
  return () => clearInterval(timer);
}
