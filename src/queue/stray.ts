// A Redis that is full may throw keys away, of a queue too: a list goes, and the jobs that stood in it stay.
import type { Job } from 'bullmq';

/**
 * Takes a job away that stands in no list: none ever runs it, and as long as it is there adding it does nothing. One that is being run
 * is left until its lock is over.
 *
 * @param find looks for the job, anew each time
 * @returns whether it was so
 */
export async function removeStray(find: () => Promise<Pick<Job, 'getState' | 'remove'> | undefined>): Promise<boolean> {
  const job = await find();
  if (job === undefined || (await job.getState()) !== 'unknown') return false;
  // One that has just ended stands in no list either, and is gone by now.
  if ((await find()) === undefined) return false;
  return job.remove().then(
    () => true,
    () => false,
  );
}
