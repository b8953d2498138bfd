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

function byNumber(slices: readonly Placed[]): number[] {
  return [...slices.keys()].sort((a, b) => (slices[a]?.instanceNumber ?? a) - (slices[b]?.instanceNumber ?? b));
}

/**
 * Pairs each slice of `test` with one of `reference`: by place along the reference's normal, or by Instance Number where the headers
 * give no places.
 *
 * @returns the index into `reference` for each of `test`
 * @throws LimpidError USAGE: a slice without a partner, or series of different lengths without places
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
  return test.map((_, index) => {
    const at = place(reference.length + index);
    let nearest = 0;
    for (let i = 1; i < reference.length; i++) {
      if (Math.abs(place(i) - at) < Math.abs(place(nearest) - at)) nearest = i;
    }
    if (reference.length === 0 || Math.abs(place(nearest) - at) > samePlace) {
      throw new LimpidError('USAGE', `no reference slice at ${at.toFixed(2)} mm along the normal`);
    }
    return nearest;
  });
}
