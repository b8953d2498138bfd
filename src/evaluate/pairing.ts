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
/** First pixels nearer than this are those of one stack, mm: a grid of half the spacing begins a quarter of a pixel further out. */
const oneStack = 1;

function byNumber(slices: readonly Placed[]): number[] {
  return [...slices.keys()].sort((a, b) => (slices[a]?.instanceNumber ?? a) - (slices[b]?.instanceNumber ?? b));
}

/** Whether Instance Numbers tell slices of one place apart: times, echoes, b-values. */
function areNumbered(slices: readonly Placed[], some: readonly number[]): boolean {
  const numbers = some.map((index) => slices[index]?.instanceNumber ?? null);
  return !numbers.includes(null) && new Set(numbers).size === some.length;
}

/**
 * Pairs each slice of `test` with one of `reference`: by place, along the reference's normal and aside, and by the order of Instance Numbers
 * where several lie at one place, or the headers give no places.
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
    if (test.length > 1 && !(areNumbered(test, own) && areNumbered(reference, other))) {
      const why =
        'without positions, that do not each have an Instance Number of their own: nothing tells which shows what';
      throw new LimpidError('USAGE', `${test.length} and ${reference.length} slices ${why}`);
    }
    const partners = test.map(() => 0);
    for (const [rank, index] of own.entries()) partners[index] = other[rank] ?? 0;
    return partners;
  }
  const place = (index: number): number => stack.along[index] ?? Number.NaN;
  const ofTest = (index: number): number => place(reference.length + index);
  const isOfStack = (slice: Placed | undefined, other: Placed | undefined): boolean => apart(slice, other) <= oneStack;
  return test.map((slice, index) => {
    const at = ofTest(index);
    let nearest = 0;
    for (const [i, other] of reference.entries()) {
      if (apart(slice, other) < apart(slice, reference[nearest])) nearest = i;
    }
    if (reference.length === 0 || Math.abs(place(nearest) - at) > samePlace) {
      throw new LimpidError('USAGE', `no reference slice at ${at.toFixed(2)} mm along the normal`);
    }
    const aside = apart(slice, reference[nearest]);
    if (aside > oneStack) {
      const found = `the nearest begins ${aside.toFixed(1)} mm aside`;
      throw new LimpidError('USAGE', `no reference slice at ${at.toFixed(2)} mm along the normal: ${found}`);
    }
    const partners = byNumber(reference).filter(
      (i) => Math.abs(place(i) - place(nearest)) <= onePlace && isOfStack(reference[i], reference[nearest]),
    );
    if (partners.length === 1) return nearest;
    const own = byNumber(test).filter((i) => Math.abs(ofTest(i) - at) <= onePlace && isOfStack(test[i], slice));
    if (own.length !== partners.length || !areNumbered(test, own) || !areNumbered(reference, partners)) {
      const what = `${own.length} and ${partners.length} slices at ${at.toFixed(2)} mm along the normal`;
      throw new LimpidError(
        'USAGE',
        `${what} cannot be told apart by Instance Number: give the images of one echo, time or b-value alone, in a folder of their own`,
      );
    }
    return partners[own.indexOf(index)] ?? nearest;
  });
}

/** From the first pixel of one slice to that of another, mm. */
function apart(one: Placed | undefined, other: Placed | undefined): number {
  return Math.hypot(...(one?.position ?? []).map((value, axis) => value - (other?.position[axis] ?? Number.NaN)));
}
