/** How much of a residual is taken away, place by place. */
import { extentWeight } from './noise-ct.js';
import { regionsOf } from './regions.js';
import type { Slice } from './slice.js';

/** Where noise is far louder than a slice's level, more of it goes: between the shoulders, where hardly a photon comes through. */
export interface LoudRule {
  /** Noise of up to so many times the slice's level is taken away by the same share. */
  readonly from: number;
  /** The share grows up to this; a higher one that was asked for stays as it is. */
  readonly most: number;
}

/** Regions are found on every eighth row and column: the map has nothing finer. */
const step = 8;

/** Of each eighth pixel: how far the region that it lies in counts as loud, 0..1. */
function regionWeights({ rows, columns, values }: Slice, mask: Uint8Array, from: number): Slice {
  const [down, across] = [Math.ceil(rows / step), Math.ceil(columns / step)];
  const placeOf = (cell: number): number => Math.floor(cell / across) * step * columns + (cell % across) * step;
  const weights = new Float32Array(down * across);
  let tissue = 0;
  for (let cell = 0; cell < weights.length; cell++) tissue += mask[placeOf(cell)]!;
  for (const region of regionsOf(down, across, (cell) => values[placeOf(cell)]! > from)) {
    let inside = 0;
    for (const cell of region) inside += mask[placeOf(cell)]!;
    const weight = extentWeight(inside / Math.max(1, tissue));
    for (const cell of region) weights[cell] = weight;
  }
  return { rows: down, columns: across, values: weights };
}

function isAnyAbove(values: Float32Array, limit: number): boolean {
  for (let i = 0; i < values.length; i++) if (values[i]! > limit) return true;
  return false;
}

/**
 * Share of the residual that is taken away: in proportion to the noise where a large region of it is louder than the rule's `from`. It is
 * nowhere below what was asked for, and of a share of 0 nothing grows.
 *
 * @param noise local deviation of the noise
 * @param mask tissue, of the noise's shape
 * @param level noise of the slice, the map's unit; null where it could not be measured: one share everywhere
 * @returns `[row][column]`, of the shape of `noise`
 */
export function sharesOf(
  share: number,
  noise: Slice,
  mask: Uint8Array,
  level: number | null,
  rule: LoudRule | null,
): Float32Array {
  const { rows, columns, values } = noise;
  const shares = new Float32Array(values.length).fill(share);
  if (rule === null || level === null || share >= rule.most) return shares;
  const from = rule.from * level;
  if (!isAnyAbove(values, from)) return shares;
  const weights = regionWeights(noise, mask, from);
  for (let r = 0, at = 0; r < rows; r++) {
    const line = Math.floor(r / step) * weights.columns;
    for (let c = 0; c < columns; c++, at++) {
      const growth = (values[at]! / from - 1) * weights.values[line + Math.floor(c / step)]!;
      if (growth > 0) shares[at] = Math.min(rule.most, share * (1 + growth));
    }
  }
  return shares;
}
