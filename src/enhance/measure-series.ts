/** What a series is like before anything is done to it: its noise and how degraded it is, from a few of its images. */
import type { Grade } from '../imaging/grade.js';
import { gradeOfMiddle } from './quality-figures.js';
import type { SliceMethods } from './methods.js';
import type { NoiseModality } from './noise.js';
import type { Pool } from '../threads/pool.js';
import { middleOf } from './strength.js';

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
 * @throws LimpidError ENHANCE_*, DICOM_*: a file that cannot be read or decoded in time
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
  const [object] = await thread.call('survey', [file], { deadlineMs });
  const modality = object?.modality ?? null;
  if (object === undefined || modality === null) return null;
  return judged(thread, { file, frame: object.frames.length >> 1, modality }, deadlineMs);
}

async function judged<Plan, Part, Summary>(
  thread: ReturnType<Pool<SliceMethods<Plan, Part, Summary>>['least']>,
  image: { readonly file: string; readonly frame: number; readonly modality: NoiseModality },
  deadlineMs: number,
) {
  const prepared = await thread.call('prepare', { ...image, guess, padding: 'kept' }, { deadlineMs });
  if ('refused' in prepared) return null;
  const quality = await thread.call('judge', prepared.work, { deadlineMs });
  await thread.call('drop', [prepared.work], { deadlineMs: null });
  return quality;
}
