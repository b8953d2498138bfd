/**
 * Which noise neighbouring slices share. A slice has the mean of what lies within its thickness: two that overlap have in common what
 * lies in both, and their noise is correlated by that share (1 less spacing over thickness). Slices side by side have nothing in common.
 */
import { stackOf } from '../dicom/geometry.js';
import type { Plane } from '../dicom/geometry.js';
import type { NoisePart } from '../imaging/degrade.js';

/** Ends of slices that lie nearer than this are one, mm. */
const sameEnd = 0.01;
const seedOf = (slice: number, part: number): number => 1000 * slice + 17 + part;

/** A part of the stack that is within one or several slices. */
interface Part {
  readonly from: number;
  readonly to: number;
  readonly seed: number;
}

/** The ends of all slices, those that lie together as one, rising. */
function cuts(ends: readonly number[]): number[] {
  const out: number[] = [];
  for (const end of ends.toSorted((a, b) => a - b)) {
    if (end - (out.at(-1) ?? Number.NEGATIVE_INFINITY) > sameEnd) out.push(end);
  }
  return out;
}

/**
 * The parts of each slice's noise, in the order given. Each slice has noise of its own where headers do not say where they lie and how
 * thick they are, and where several lie at one position: those are of different times.
 *
 * @param slices with Slice Thickness, mm; null: not said
 */
export function noiseParts(
  slices: readonly (Plane & { readonly thickness: number | null })[],
): readonly (readonly NoisePart[])[] {
  const own = slices.map((_, slice) => [{ seed: seedOf(slice, 0), weight: 1 }]);
  const stack = stackOf(slices);
  if (stack === null || stack.duplicates > 0) return own;
  const ends = slices.map(({ thickness }, slice): readonly [number, number] | null => {
    const at = stack.along[slice] ?? 0;
    return thickness !== null && thickness > sameEnd ? [at - thickness / 2, at + thickness / 2] : null;
  });
  const known = ends.filter((one) => one !== null);
  if (known.length < slices.length) return own;
  const edges = cuts(known.flat());
  const covers = ([low, high]: readonly [number, number], from: number, to: number): boolean =>
    low <= from + sameEnd && high >= to - sameEnd;
  const taken = new Map<number, number>();
  const parts = edges.slice(1).flatMap((to, index): Part[] => {
    const from = edges[index] ?? to;
    const first = known.findIndex((one) => covers(one, from, to));
    if (first < 0) return []; // between two slices
    const part = taken.get(first) ?? 0;
    taken.set(first, part + 1);
    return [{ from, to, seed: seedOf(first, part) }];
  });
  return known.map((one) => {
    const within = parts.filter(({ from, to }) => covers(one, from, to));
    const whole = within.reduce((sum, { from, to }) => sum + to - from, 0);
    return within.map(({ from, to, seed }) => ({ seed, weight: Math.sqrt((to - from) / whole) }));
  });
}
