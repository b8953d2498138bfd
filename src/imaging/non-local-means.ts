import { withBorder } from './border.js';
import type { Slice } from './slice.js';

const bins = 4096;
/** Patches further apart than this have a weight below exp(-5) and are left out. */
const cutoff = 5;

export interface NonLocalMeans {
  /** Odd side of the compared patches, pixels. */
  readonly patch: number;
  /** Odd side of the window that is searched, pixels. */
  readonly search: number;
  /** Filter strength in the slice's unit: weights fall to 1/e where patches differ by this much per pixel. */
  readonly h: number;
  /** Noise of the slice: differences that it explains do not count. */
  readonly sigma: number;
}

/**
 * Non-local means: each pixel becomes the mean of pixels whose patches look alike, weight
 * exp(-max(0, sum over the patch of (difference^2 - 2 sigma^2)) / (h^2 patch^2)). Both pixels of a pair are served
 * by one distance, and distances come from running sums, so the cost does not depend on the patch.
 */
export function nonLocalMeans(slice: Slice, { patch, search, h, sigma }: NonLocalMeans): Float32Array {
  const { rows, columns } = slice;
  const half = (patch - 1) / 2;
  const reach = (search - 1) / 2;
  const border = half + reach;
  const { values: source, columns: stride } = withBorder(slice, border);
  const table = Float32Array.from({ length: bins }, (_, i) => Math.exp((-(i + 0.5) * cutoff) / bins));
  table[0] = 1;
  const scale = bins / (cutoff * h * h * patch * patch);
  const expected = 2 * sigma * sigma;
  const sums = source.slice();
  const weights = new Float32Array(source.length).fill(1);
  const columnSums = new Float64Array(stride);
  const squares = new Float64Array(patch * stride);
  for (let dr = 0; dr <= reach; dr++) {
    for (let dc = dr === 0 ? 1 : -reach; dc <= reach; dc++) {
      const shift = dr * stride + dc;
      // Pixels p for which p or its partner p + shift lies in the slice.
      const left = border - Math.max(dc, 0);
      const right = border + columns - 1 - Math.min(dc, 0);
      columnSums.fill(0);
      squares.fill(0);
      const first = border - dr - half;
      for (let r = first, slot = 0; r < border + rows + half; r++, slot = (slot + 1) % patch) {
        const line = slot * stride;
        for (let c = left - half; c <= right + half; c++) {
          const difference = source[r * stride + c]! - source[r * stride + c + shift]!;
          const square = difference * difference - expected;
          columnSums[c]! += square - squares[line + c]!;
          squares[line + c] = square;
        }
        if (r - first < patch - 1) continue;
        let distance = 0;
        for (let c = left - half; c < left + half; c++) distance += columnSums[c]!;
        let at = (r - half) * stride + left;
        for (let c = left; c <= right; c++, at++) {
          distance += columnSums[c + half]!;
          const bin = distance > 0 ? distance * scale : 0;
          if (bin < bins) {
            const weight = table[bin | 0]!;
            const partner = at + shift;
            weights[at]! += weight;
            sums[at]! += weight * source[partner]!;
            weights[partner]! += weight;
            sums[partner]! += weight * source[at]!;
          }
          distance -= columnSums[c - half]!;
        }
      }
    }
  }
  const out = new Float32Array(rows * columns);
  for (let r = 0, to = 0; r < rows; r++) {
    for (let c = 0, at = (r + border) * stride + border; c < columns; c++, at++) out[to++] = sums[at]! / weights[at]!;
  }
  return out;
}
