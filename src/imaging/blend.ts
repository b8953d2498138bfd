import type { Slice } from './slice.js';

/** No pixel moves by more than this many local sigmas: what a model might invent stays small. */
const clip = 3;
/**
 * Pixels of tissue without which a slice's mean says nothing: the few of a slice of lung or bone lie on edges, and what was taken from
 * them is no shift of the rest.
 */
export const leastTissue = 2000;

export interface Blended {
  readonly values: Float32Array;
  /** Mean over the mask, output less input, before it was put back; 0 where it is not. */
  readonly meanShift: number;
}

/**
 * Takes a share of the residual away: in - clip(share x residual, +-3 sigma), then one constant so that the mean over the
 * mask is the input's: over the slice (CT, where air must not stand out; not where there is hardly any tissue to speak for it), or over the
 * mask alone (MR, where air keeps its own mean). Flat areas at the slice's lowest value (outside the field of view, masked air) stay as they are.
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
  over: 'slice' | 'mask',
): Blended {
  const { rows, columns, values } = slice;
  const out = new Float32Array(values.length);
  let lowest = Number.POSITIVE_INFINITY;
  let taken = 0;
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < lowest) lowest = value;
    const limit = clip * sigma[i]!;
    const wanted = shares[i]! * residual[i]!;
    const part = wanted > limit ? limit : wanted < -limit ? -limit : wanted;
    out[i] = value - part;
    if (mask[i]! !== 0) {
      taken += part;
      count++;
    }
  }
  const back = count >= (over === 'slice' ? leastTissue : 1) ? taken / count : 0;
  for (let i = 0; i < out.length; i++) if (over === 'slice' || mask[i]! !== 0) out[i]! += back;
  for (let r = 0, at = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++, at++) {
      if (values[at] === lowest && isFlat(values, rows, columns, r, c)) out[at] = lowest;
    }
  }
  return { values: out, meanShift: -back };
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
