import { eroded, pixelsOf } from './masks.js';
import type { Slice } from './slice.js';

/** No pixel moves by more than this many local sigmas: what a model might invent stays small. */
const clip = 3;
/**
 * Pixels of tissue without which a slice's mean says nothing: the few of a slice of lung or bone lie on edges, and what was taken from
 * them is no shift of the rest.
 */
export const leastTissue = 2000;

/**
 * Pixels from the border of tissue in which a filter mixes it with the lung, air and bone beside it: a Gaussian moves the mean over all of
 * a chest's tissue by up to 3 HU, and nothing of it away from the border, which a constant for all would then move instead.
 */
const borderPixels = 6;
/**
 * What of a slice keeps its mean, by one constant: all of it (CT, where air must not stand out), the tissue (MR, where air has a mean of its own), or
 * the region of an ultrasound image, whose grain is no noise of a scanner's that mixes at borders.
 */
export type Over = 'slice' | 'mask' | 'region';

/** Fewer pixels away from the border (a matrix of 64 x 64 of MR) say less than all of the tissue does. */
const leastInner = 500;

export interface Blended {
  readonly values: Float32Array;
  /** Mean over the mask, output less input, before anything was put back; 0 where there is hardly any tissue. */
  readonly meanShift: number;
}

/**
 * Takes a share of the residual away: in - clip(share x residual, +-3 sigma), then one constant so that the mean over the
 * tissue is the input's: by what lies away from its border, and not over a slice with hardly any of that. Flat areas at the slice's lowest value
 * (outside the field of view, masked air) stay as they are.
 *
 * @param residual input less the model's output, the slice's unit
 * @param sigma local noise, same shape and unit
 * @param shares 0..1, same shape
 * @param mask tissue whose mean is kept
 * @see models: strength and safety limits
 */
export function blend(
  slice: Slice,
  residual: Float32Array,
  sigma: Float32Array,
  shares: Float32Array,
  mask: Uint8Array,
  over: Over,
): Blended {
  const { rows, columns, values } = slice;
  const out = new Float32Array(values.length);
  const deep = eroded(mask, rows, columns, borderPixels);
  const inner = over === 'region' || (over === 'mask' && pixelsOf(deep) < leastInner) ? mask : deep;
  const least = over === 'slice' ? leastTissue : 1;
  let lowest = Number.POSITIVE_INFINITY;
  const all = { taken: 0, count: 0 };
  const within = { taken: 0, count: 0 };
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < lowest) lowest = value;
    const limit = clip * sigma[i]!;
    const wanted = shares[i]! * residual[i]!;
    const part = wanted > limit ? limit : wanted < -limit ? -limit : wanted;
    out[i] = value - part;
    if (mask[i] === 0) continue;
    all.taken += part;
    all.count++;
    if (inner[i] === 0) continue;
    within.taken += part;
    within.count++;
  }
  const back = within.count >= least ? within.taken / within.count : 0;
  for (let i = 0; i < out.length; i++) if (over === 'slice' || mask[i]! !== 0) out[i]! += back;
  for (let r = 0, at = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++, at++) {
      if (values[at] === lowest && isFlat(values, rows, columns, r, c)) out[at] = lowest;
    }
  }
  return { values: out, meanShift: all.count >= least ? -all.taken / all.count : 0 };
}

/** Whether all neighbours inside the slice have the pixel's own value. */
function isFlat(values: Float32Array, rows: number, columns: number, r: number, c: number): boolean {
  const value = values[r * columns + c];
  for (let y = Math.max(0, r - 1); y <= Math.min(rows - 1, r + 1); y++) {
    for (let x = Math.max(0, c - 1); x <= Math.min(columns - 1, c + 1); x++) {
      if (values[y * columns + x] !== value) return false;
    }
  }
  return true;
}
