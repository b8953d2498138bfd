import { withBorder } from './border.js';
import type { Slice } from './slice.js';

const bins = 8192;
/** Values further away than this many range sigmas have weight 0 (exp(-12.5) and less). */
const reach = 5;

/**
 * Bilateral filter (Tomasi and Manduchi 1998): Gaussian weights in space (`sigma`, pixels, window of 3 sigma) and in
 * value (`range`, the slice's unit); the border is mirrored.
 */
export function bilateral(slice: Slice, sigma: number, range: number): Float32Array {
  const { rows, columns, values } = slice;
  if (!(range > 0)) return values.slice();
  const radius = Math.max(2, Math.ceil(3 * sigma));
  const { values: source, columns: stride } = withBorder(slice, radius);
  const table = Float32Array.from({ length: bins + 1 }, (_, i) =>
    i === bins ? 0 : Math.exp(-0.5 * (((i + 0.5) * reach) / bins) ** 2),
  );
  table[0] = 1;
  const scale = bins / (reach * range);
  const sums = new Float32Array(rows * columns);
  const weights = new Float32Array(rows * columns);
  for (let dr = -radius; dr <= radius; dr++) {
    for (let dc = -radius; dc <= radius; dc++) {
      const near = Math.exp((-0.5 * (dr * dr + dc * dc)) / (sigma * sigma));
      for (let r = 0; r < rows; r++) {
        let at = r * columns;
        let from = (r + radius + dr) * stride + radius + dc;
        for (const end = at + columns; at < end; at++, from++) {
          const value = source[from]!;
          const bin = Math.abs(value - values[at]!) * scale;
          if (bin < bins) {
            const weight = near * table[bin | 0]!;
            weights[at]! += weight;
            sums[at]! += weight * value;
          }
        }
      }
    }
  }
  for (let i = 0; i < sums.length; i++) sums[i]! /= weights[i]!;
  return sums;
}
