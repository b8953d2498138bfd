/** Which slice of one series shows what a slice of another shows. */
import { stackOf } from '../dicom/geometry.js';
import type { Plane } from '../dicom/geometry.js';
import { LimpidError } from '../errors.js';

/** What the header of a slice tells about its place. */
export interface Placed extends Plane {
  readonly instanceNumber: number | null;
}

/** Two slices nearer than this are of one place, mm. */
const samePlace = 0.1;
/** Slices of one series nearer than this lie at one position, mm: scanners write them with 3 to 6 decimals. */
const onePlace = 0.005;

function byNumber(slices: readonly Placed[]): number[] {
  return [...slices.keys()].sort((a, b) => (slices[a]?.instanceNumber ?? a) - (slices[b]?.instanceNumber ?? b));
}

/** Whether Instance Numbers tell slices of one place apart: times, echoes, b-values. */
function areNumbered(slices: readonly Placed[], some: readonly number[]): boolean {
  const numbers = some.map((index) => slices[index]?.instanceNumber ?? null);
  return !numbers.includes(null) && new Set(numbers).size === some.length;
}

/**
 * Pairs each slice of `test` with one of `reference`: by place along the reference's normal, and by the order of Instance Numbers where
 * several lie at one place, or the headers give no places.
 *
 * @returns the index into `reference` for each of `test`
 * @throws LimpidError USAGE: a slice without a partner, slices of one place that cannot be told apart, or series of different lengths
 * without places
 */
export function pairing(test: readonly Placed[], reference: readonly Placed[]): number[] {
  const stack = stackOf([...reference, ...test]);
  if (stack === null) {
    if (test.length !== reference.length) {
      throw new LimpidError('USAGE', `${test.length} and ${reference.length} slices, and no positions to pair them by`);
    }
    const [own, other] = [byNumber(test), byNumber(reference)];
    const partners = test.map(() => 0);
    for (const [rank, index] of own.entries()) partners[index] = other[rank] ?? 0;
    return partners;
  }
  const place = (index: number): number => stack.along[index] ?? Number.NaN;
  const ofTest = (index: number): number => place(reference.length + index);
  const atPlace = (slices: readonly Placed[], placeOf: (index: number) => number, at: number): number[] =>
    byNumber(slices).filter((index) => Math.abs(placeOf(index) - at) <= onePlace);
  return test.map((_, index) => {
    const at = ofTest(index);
    let nearest = 0;
    for (let i = 1; i < reference.length; i++) {
      if (Math.abs(place(i) - at) < Math.abs(place(nearest) - at)) nearest = i;
    }
    if (reference.length === 0 || Math.abs(place(nearest) - at) > samePlace) {
      throw new LimpidError('USAGE', `no reference slice at ${at.toFixed(2)} mm along the normal`);
    }
    const partners = atPlace(reference, place, place(nearest));
    if (partners.length === 1) return nearest;
    const own = atPlace(test, ofTest, at);
    if (own.length !== partners.length || !areNumbered(test, own) || !areNumbered(reference, partners)) {
      const what = `${own.length} and ${partners.length} slices at ${at.toFixed(2)} mm along the normal`;
      throw new LimpidError('USAGE', `${what} cannot be told apart by Instance Number`);
    }
    return partners[own.indexOf(index)] ?? nearest;
  });
}
