/** Masks in which noise and figures are measured: 1 inside, 0 outside, `[row][column]`. */
import { gaussian, gaussianAt } from './gaussian.js';
import type { Slice } from './slice.js';
import { quantile } from './statistics.js';

const tile = 32;
/** Deviation of what a Gaussian of one pixel takes away: anatomy keeps below 30 HU, noise that breaks the mask exceeds this. */
const loud = 50;
/** Of normally distributed values: deviation over median size. */
const deviationOfMedian = 1.4826;

const isSoft = (value: number): boolean => value > -150 && value < 200;

/**
 * Tiles of the half-size slice in which noise is so strong that smoothing by 2 pixels leaves holes in the mask: between the
 * shoulders at low dose, where photons are starved.
 *
 * @param soft mask at half size
 */
function loudTiles(slice: Slice, soft: Uint8Array, across: number): readonly (readonly [number, number])[] {
  const down = soft.length / across;
  const fine = gaussianAt(slice, 1, 2);
  const found: [number, number][] = [];
  const sizes = new Float32Array(tile * tile);
  for (let top = 0; top < down; top += tile) {
    for (let left = 0; left < across; left += tile) {
      const [bottom, right] = [Math.min(down, top + tile), Math.min(across, left + tile)];
      let count = 0;
      for (let r = top; r < bottom; r++) {
        for (let c = left, at = r * across + left; c < right; c++, at++) {
          if (soft[at] === 1) sizes[count++] = Math.abs(slice.values[2 * (r * slice.columns + c)]! - fine[at]!);
        }
      }
      if (count < 0.3 * (bottom - top) * (right - left)) continue;
      if (deviationOfMedian * quantile(sizes.subarray(0, count), 0.5) > loud) found.push([top, left]);
    }
  }
  return found;
}

/**
 * CT: soft tissue, -150 to 200 HU after smoothing by 2 pixels, so that noise does not break the mask; where the noise is too
 * strong for that, also after smoothing by 6. Looked at in every second row and column, each of which stands for 2x2 pixels: a
 * third of the time, the border within one pixel.
 */
export function softTissueMask(slice: Slice): Uint8Array {
  const { rows, columns } = slice;
  const smooth = gaussianAt(slice, 2, 2);
  const [down, across] = [Math.ceil(rows / 2), Math.ceil(columns / 2)];
  const soft = new Uint8Array(smooth.length);
  for (let i = 0; i < soft.length; i++) if (isSoft(smooth[i]!)) soft[i] = 1;
  const broken = loudTiles(slice, soft, across);
  // From 2 to 6 pixels, which are half as many here.
  const wide = broken.length > 0 ? gaussian({ rows: down, columns: across, values: smooth }, Math.sqrt(8)) : smooth;
  for (const [top, left] of broken) {
    for (let r = top; r < Math.min(down, top + tile); r++) {
      for (let at = r * across + left; at < r * across + Math.min(across, left + tile); at++) {
        if (isSoft(wide[at]!)) soft[at] = 1;
      }
    }
  }
  const mask = new Uint8Array(rows * columns);
  for (let r = 0, at = 0; r < rows; r++) {
    const from = (r >> 1) * across;
    for (let c = 0; c < columns; c++, at++) mask[at] = soft[from + (c >> 1)]!;
  }
  return mask;
}

/** How many pixels are in the mask. */
export function pixelsOf(mask: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < mask.length; i++) count += mask[i]!;
  return count;
}

/** City-block distance of each pixel to the nearest pixel of value `of`; `outside` is the distance of the world beyond the edge, or null. */
function cityBlockDistance(mask: Uint8Array, rows: number, columns: number, of: 0 | 1, outside: 0 | null): Int32Array {
  const far = rows + columns;
  const beyond = outside ?? far;
  const out = new Int32Array(mask.length);
  for (let r = 0, at = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++, at++) {
      const up = r > 0 ? out[at - columns]! : beyond;
      const left = c > 0 ? out[at - 1]! : beyond;
      out[at] = mask[at] === of ? 0 : Math.min(up, left) + 1;
    }
  }
  for (let r = rows - 1, at = mask.length - 1; r >= 0; r--) {
    for (let c = columns - 1; c >= 0; c--, at--) {
      const down = r < rows - 1 ? out[at + columns]! : beyond;
      const right = c < columns - 1 ? out[at + 1]! : beyond;
      out[at] = Math.min(out[at]!, Math.min(down, right) + 1);
    }
  }
  return out;
}

/** Where a distance exceeds `steps`. */
function further(distances: Int32Array, steps: number): Uint8Array {
  const out = new Uint8Array(distances.length);
  for (let i = 0; i < out.length; i++) if (distances[i]! > steps) out[i] = 1;
  return out;
}

/** Sets every 0 that no way over 0s (4-neighbours) joins to the edge. */
function fillHoles(mask: Uint8Array, rows: number, columns: number): void {
  const open = new Int32Array(mask.length);
  let count = 0;
  const visit = (at: number): void => {
    if (mask[at] === 0) {
      mask[at] = 2;
      open[count++] = at;
    }
  };
  for (let c = 0; c < columns; c++) {
    visit(c);
    visit((rows - 1) * columns + c);
  }
  for (let r = 0; r < rows; r++) {
    visit(r * columns);
    visit(r * columns + columns - 1);
  }
  while (count > 0) {
    const at = open[--count]!;
    const c = at % columns;
    if (at >= columns) visit(at - columns);
    if (at < mask.length - columns) visit(at + columns);
    if (c > 0) visit(at - 1);
    if (c < columns - 1) visit(at + 1);
  }
  for (let i = 0; i < mask.length; i++) mask[i] = mask[i] === 2 ? 0 : 1;
}

/** MR: above a tenth of the 99th percentile after smoothing by 2 pixels, holes filled, eroded by 2. */
export function bodyMask(slice: Slice): Uint8Array {
  const { rows, columns } = slice;
  const smooth = gaussian(slice, 2);
  const threshold = 0.1 * quantile(smooth, 0.99);
  const mask = new Uint8Array(smooth.length);
  for (let i = 0; i < smooth.length; i++) mask[i] = smooth[i]! > threshold ? 1 : 0;
  fillHoles(mask, rows, columns);
  return eroded(mask, rows, columns, 2);
}

/** What stays of the mask after its border, and the image's, has been taken off `steps` times (4-neighbours). */
export function eroded(mask: Uint8Array, rows: number, columns: number, steps: number): Uint8Array {
  return further(cityBlockDistance(mask, rows, columns, 0, 0), steps);
}

/** Everything further than `distance` steps from the mask. */
export function awayFrom(mask: Uint8Array, rows: number, columns: number, distance: number): Uint8Array {
  return further(cityBlockDistance(mask, rows, columns, 1, null), distance);
}
