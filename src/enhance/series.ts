/** A series as its headers tell it: modality, order of the slices, instance numbers. */
import { stackOf } from '../dicom/geometry.js';
import type { Reason } from '../errors.js';
import type { SeriesWords, SurveyedInstance } from './methods.js';
import type { NoiseModality } from './noise.js';
import type { TaskOrder } from './order.js';

export interface OrderedSeries {
  readonly modality: NoiseModality;
  /** Indices into the order's sources, by position along the normal. */
  readonly byPosition: readonly number[];
  /** Running number (from 1) of each source among the derived objects: by instance number if it is unique, else by position. */
  readonly numbers: readonly number[];
  /** What derived instances get: their source's number, or one by position. */
  readonly instanceNumbers: ReadonlyMap<string, number> | 'kept';
  /** What the instances say of their series, in the order of the sources. */
  readonly words: readonly SeriesWords[];
}

/** @returns the reason why the series cannot be enhanced, for other classes than CT and MR Image Storage */
export function orderSeries(
  surveyed: readonly SurveyedInstance[],
  sources: TaskOrder['sources'],
): OrderedSeries | Reason {
  const modality = surveyed[0]?.modality ?? null;
  if (modality === null || surveyed.some((instance) => instance.modality !== modality)) {
    return { code: 'UNSUPPORTED_SOP_CLASS', detail: 'not a series of CT Image or MR Image objects' };
  }
  const byPosition = stackOf(surveyed)?.order ?? [...surveyed.keys()];
  const given = surveyed.map(({ instanceNumber }) => instanceNumber);
  const unique = given.every((value) => value !== null) && new Set(given).size === given.length;
  const ranked = unique ? [...given.keys()].toSorted((a, b) => (given[a] ?? 0) - (given[b] ?? 0)) : byPosition;
  const numbers = Array.from({ length: surveyed.length }, () => 0);
  for (const [rank, index] of ranked.entries()) numbers[index] = rank + 1;
  const byUid = new Map(sources.map(({ sopInstanceUid }, index) => [sopInstanceUid, numbers[index] ?? 0] as const));
  const words = surveyed.map((instance) => instance.words);
  return { modality, byPosition, numbers, instanceNumbers: unique ? 'kept' : byUid, words };
}
