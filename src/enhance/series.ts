/** A series as its headers tell it: modality, its images and their order, instance numbers. */
import { stackOf } from '../dicom/geometry.js';
import type { Reason } from '../errors.js';
import type { SeriesWords, SurveyedObject } from './methods.js';
import { nearestFirst, neighboursOf, noNeighbours } from './neighbours.js';
import type { ImageNeighbours, NeighbourRange } from './neighbours.js';
import type { NoiseModality } from './noise.js';
import type { TaskOrder } from './order.js';

export interface OrderedSeries {
  readonly modality: NoiseModality;
  /** Every image: its source as an index into the order's sources, and its frame there, from 0. */
  readonly images: readonly { readonly source: number; readonly frame: number }[];
  /** Indices into `images`, by position along the normal. */
  readonly byPosition: readonly number[];
  /** Of each image, by index: what the model sees besides. */
  readonly neighbours: readonly ImageNeighbours[];
  /** The same as indices, the nearest first. */
  readonly beside: readonly (readonly number[])[];
  /** Running number (from 1) of each source among the derived objects: by instance number if it is unique, else by position. */
  readonly numbers: readonly number[];
  /** What derived instances get: their source's number, or one by position, which the parts of a concatenation share. */
  readonly instanceNumbers: ReadonlyMap<string, number> | 'kept';
  /** What the instances say of their series, in the order of the sources. */
  readonly words: readonly SeriesWords[];
}

/**
 * @param range how far neighbours lie that the model sees; null: it sees none
 * @returns the reason why the series cannot be enhanced, for other classes than those of CT, MR and ultrasound images
 */
export function orderSeries(
  surveyed: readonly SurveyedObject[],
  sources: TaskOrder['sources'],
  range: NeighbourRange | null,
): OrderedSeries | Reason {
  const modality = surveyed[0]?.modality ?? null;
  if (modality === null || surveyed.some((instance) => instance.modality !== modality)) {
    return { code: 'UNSUPPORTED_SOP_CLASS', detail: 'not a series of CT, MR or ultrasound images' };
  }
  const images = surveyed.flatMap(({ frames }, source) => frames.map((_, frame) => ({ source, frame })));
  const places = surveyed.flatMap(({ frames }) => frames);
  const byPosition = stackOf(places)?.order ?? [...images.keys()];
  const neighbours = range === null ? noNeighbours(places.length) : neighboursOf(places, range);
  const beside = nearestFirst(places, neighbours);
  const given = surveyed.map(({ instanceNumber }) => instanceNumber);
  const unique = areOwn(surveyed);
  const ranked = unique
    ? [...given.keys()].toSorted((a, b) => (given[a] ?? 0) - (given[b] ?? 0))
    : [...new Set(byPosition.map((index) => images[index]?.source ?? 0))];
  const numbers = Array.from({ length: surveyed.length }, () => 0);
  for (const [rank, index] of ranked.entries()) numbers[index] = rank + 1;
  const wholes = new Set(ranked.map((index) => wholeOf(surveyed[index], index)));
  const ranks = new Map([...wholes].map((whole, rank) => [whole, rank + 1]));
  const byUid = new Map(
    sources.map(({ sopInstanceUid }, index) => [sopInstanceUid, ranks.get(wholeOf(surveyed[index], index)) ?? 0]),
  );
  const words = surveyed.map((instance) => instance.words);
  const instanceNumbers = unique ? 'kept' : byUid;
  return { modality, images, byPosition, neighbours, beside, numbers, instanceNumbers, words };
}

/** What has an Instance Number: a concatenation, or an object of its own. */
function wholeOf(object: SurveyedObject | undefined, source: number): string | number {
  return object?.concatenationUid ?? source;
}

/** Whether each Instance Number is one object's or one concatenation's alone (PS3.3 C.7.6.16: the parts of one share theirs). */
function areOwn(surveyed: readonly SurveyedObject[]): boolean {
  const owners = new Map<number, string | number>();
  return surveyed.every((object, source) => {
    const { instanceNumber } = object;
    if (instanceNumber === null) return false;
    const whole = wholeOf(object, source);
    if (!owners.has(instanceNumber)) owners.set(instanceNumber, whole);
    return owners.get(instanceNumber) === whole;
  });
}
