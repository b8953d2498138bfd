/** What a series is like before anything is done to it: its noise and how degraded it is, from a few of its images. */
import type { Grade } from '../imaging/grade.js';
import { gradeOfMiddle } from './quality-figures.js';
import { inTime } from './in-time.js';
import type { SliceMethods } from './methods.js';
import type { NoiseModality } from './noise.js';
import type { Pool } from '../threads/pool.js';
import { middleOf } from './strength.js';
import type { Thread } from '../threads/thread.js';

type SliceThread<Plan, Part, Summary> = Thread<SliceMethods<Plan, Part, Summary>>;

export interface MeasuredSeries {
  /** HU for CT, permille of the 99.5th percentile for others; null where it cannot be measured. */
  readonly noise: number | null;
  readonly grade: Grade | null;
}

/** Images that are looked at. */
const mostImages = 3;

/** Assumed only where nothing can be measured; the result does not depend on it. */
const guess = 10;

/**
 * Measures the images at a quarter, a half and three quarters of the files.
 *
 * @throws LimpidError `ENHANCE_DEADLINE` for one that takes too long, DICOM_* for one that cannot be decoded
 */
export async function measureSeries<Plan, Part, Summary>(
  files: readonly string[],
  slices: Pool<SliceMethods<Plan, Part, Summary>>,
  deadlineMs: number,
): Promise<MeasuredSeries> {
  const count = Math.min(mostImages, files.length);
  const chosen = Array.from(
    { length: count },
    (_, i) => files[Math.floor(((i + 1) * files.length) / (count + 1))] ?? '',
  );
  const found = await Promise.all(chosen.map((file) => measureOne(file, slices, deadlineMs)));
  const noises = found.map((one) => one?.noise ?? null).filter((noise) => noise !== null);
  return {
    noise: noises.length > 0 ? middleOf(noises) : null,
    grade: gradeOfMiddle(found.flatMap((one) => one ?? [])),
  };
}

async function measureOne<Plan, Part, Summary>(
  file: string,
  slices: Pool<SliceMethods<Plan, Part, Summary>>,
  deadlineMs: number,
): ReturnType<typeof judged<Plan, Part, Summary>> {
  const thread = slices.least();
  const [object] = await inTime(file, thread.call('survey', [file], within(deadlineMs, thread)));
  const modality = object?.modality ?? null;
  if (object === undefined || modality === null) return null;
  return judged(thread, { file, frame: object.frames.length >> 1, modality }, deadlineMs);
}

async function judged<Plan, Part, Summary>(
  thread: SliceThread<Plan, Part, Summary>,
  image: { readonly file: string; readonly frame: number; readonly modality: NoiseModality },
  deadlineMs: number,
) {
  const { file } = image;
  const prepare = { ...image, guess, padding: 'kept' } as const;
  const prepared = await inTime(file, thread.call('prepare', prepare, within(deadlineMs, thread)));
  if ('refused' in prepared) return null;
  try {
    return await inTime(file, thread.call('judge', prepared.work, within(deadlineMs, thread)));
  } finally {
    // No task follows in this child that would drop what is left. A thread that ended has nothing left.
    if (thread.alive) await inTime(file, thread.call('drop', [prepared.work], { deadlineMs: null }));
  }
}

/** A thread takes one call after the other: those that wait in it have their time too. */
const within = (deadlineMs: number, { pending }: { readonly pending: number }) => ({
  deadlineMs: deadlineMs * (pending + 1),
});
