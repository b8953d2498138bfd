// Noise of magnitude images has a mean of its own where there is no signal (Rician bias). What is taken away there must have none,
// or air turns darker and the mean of the whole image moves.
import type { Slice } from './slice.js';

/** Side of the tiles over which the residual's mean is taken, pixels. */
const tile = 16;
/** Air in a tile and its neighbours that a mean needs, pixels. */
const leastAir = 64;

/**
 * Takes the local mean out of a residual outside the tissue, in place: means of tiles and their neighbours, between them bilinear.
 *
 * @param residual input less model output, `[row][column]`; changed
 * @param mask tissue, where nothing is changed
 */
export function removeAirBias({ rows, columns }: Slice, residual: Float32Array, mask: Uint8Array): void {
  const down = Math.ceil(rows / tile);
  const across = Math.ceil(columns / tile);
  const sums = new Float64Array(down * across);
  const counts = new Float64Array(down * across);
  for (let r = 0, at = 0; r < rows; r++) {
    const row = Math.floor(r / tile) * across;
    for (let c = 0; c < columns; c++, at++) {
      if (mask[at]! !== 0) continue;
      const place = row + Math.floor(c / tile);
      sums[place]! += residual[at]!;
      counts[place]! += 1;
    }
  }
  const means = neighbourMeans(sums, counts, down, across);
  for (let r = 0, at = 0; r < rows; r++) {
    const y = Math.min(down - 1, Math.max(0, (r + 0.5) / tile - 0.5));
    const y0 = Math.floor(y);
    const y1 = Math.min(down - 1, y0 + 1);
    const fy = y - y0;
    for (let c = 0; c < columns; c++, at++) {
      if (mask[at]! !== 0) continue;
      const x = Math.min(across - 1, Math.max(0, (c + 0.5) / tile - 0.5));
      const x0 = Math.floor(x);
      const x1 = Math.min(across - 1, x0 + 1);
      const fx = x - x0;
      const upper = means[y0 * across + x0]! * (1 - fx) + means[y0 * across + x1]! * fx;
      const lower = means[y1 * across + x0]! * (1 - fx) + means[y1 * across + x1]! * fx;
      residual[at]! -= upper * (1 - fy) + lower * fy;
    }
  }
}

/** Mean over each tile and its eight neighbours; 0 where there is hardly any air. */
function neighbourMeans(sums: Float64Array, counts: Float64Array, down: number, across: number): Float64Array {
  const means = new Float64Array(sums.length);
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; x++) {
      let [sum, count] = [0, 0];
      for (let v = Math.max(0, y - 1); v <= Math.min(down - 1, y + 1); v++) {
        for (let u = Math.max(0, x - 1); u <= Math.min(across - 1, x + 1); u++) {
          sum += sums[v * across + u]!;
          count += counts[v * across + u]!;
        }
      }
      means[y * across + x] = count >= leastAir ? sum / count : 0;
    }
  }
  return means;
}
