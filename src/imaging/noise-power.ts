/** Noise power spectrum of uniform regions: what the grain of an image looks like. */
import { transformPlane } from './fourier.js';
import { eroded } from './masks.js';
import type { Slice } from './slice.js';

const side = 64;
const bins = 32;
/** Share of a block that must lie in the mask. */
const inside = 0.97;
/** Pixels at the mask's border that are no noise either: what lies beside it reaches into them. */
const border = 2;
/** Times that the trend is fitted where a part of a block counts as trend: then it lies as if that were not there. */
const fits = 8;

/** Orthonormal basis of a quadratic surface over a block. */
const trend = (() => {
  const terms: readonly ((x: number, y: number) => number)[] = [
    () => 1,
    (x) => x,
    (_, y) => y,
    (x) => x * x,
    (_, y) => y * y,
    (x, y) => x * y,
  ];
  const basis: Float64Array[] = [];
  for (const term of terms) {
    const vector = Float64Array.from({ length: side * side }, (_, i) =>
      term((i % side) / side - 0.5, Math.floor(i / side) / side - 0.5),
    );
    removeFrom(vector, basis);
    const norm = Math.hypot(...vector);
    basis.push(vector.map((value) => value / norm));
  }
  return basis;
})();

function removeFrom(vector: Float64Array, basis: readonly Float64Array[]): void {
  for (const axis of basis) {
    let share = 0;
    for (let i = 0; i < vector.length; i++) share += vector[i]! * axis[i]!;
    for (let i = 0; i < vector.length; i++) vector[i]! -= share * axis[i]!;
  }
}

/** Share of a block's pixels that lie in the mask. */
function covered(mask: Uint8Array, columns: number, top: number, left: number): number {
  let count = 0;
  for (let r = top; r < top + side; r++) for (let c = left; c < left + side; c++) count += mask[r * columns + c]!;
  return count / (side * side);
}

/**
 * Takes the trend out of a block, by its pixels of the mask alone. The others are nothing but trend: a corner of air has a thousand times the
 * power of the noise.
 */
function removeTrend(block: Float64Array, others: readonly number[]): void {
  if (others.length === 0) return removeFrom(block, trend);
  for (const i of others) block[i] = 0;
  const mean = block.reduce((sum, value) => sum + value, 0) / (block.length - others.length);
  for (const i of others) block[i] = mean;
  for (let fit = 0; fit < fits; fit++) {
    removeFrom(block, trend);
    for (const i of others) block[i] = 0;
  }
}

/** Radial bin of each frequency of a block; -1 beyond Nyquist. */
const binOf = Int8Array.from({ length: side * side }, (_, i) => {
  const signed = (k: number): number => (k < side / 2 ? k : k - side) / side;
  const bin = Math.floor(Math.hypot(signed(Math.floor(i / side)), signed(i % side)) * 2 * bins);
  return bin < bins ? bin : -1;
});

export interface NoisePower {
  /** Mean frequency of the noise power over the plane, cycles per pixel. */
  readonly meanFrequency: number;
  /** Blocks that were averaged. */
  readonly blocks: number;
}

/**
 * Mean frequency of the noise power spectrum (IEC 61223-3-5; ICRU 87): blocks of 64x64 with half overlap, a quadratic trend
 * removed, what is not in the mask or at its border left out, radial mean, weighted by 2 pi f.
 *
 * @param mask the uniform region
 * @returns null where no block lies within the mask
 */
export function noisePower({ rows, columns, values }: Slice, mask: Uint8Array): NoisePower | null {
  const power = new Float64Array(side * side);
  const counted = eroded(mask, rows, columns, border);
  let blocks = 0;
  for (let top = 0; top + side <= rows; top += side / 2) {
    for (let left = 0; left + side <= columns; left += side / 2) {
      if (covered(mask, columns, top, left) < inside) continue;
      const re = new Float64Array(side * side);
      const others: number[] = [];
      for (let i = 0; i < re.length; i++) {
        const at = (top + Math.floor(i / side)) * columns + left + (i % side);
        re[i] = values[at]!;
        if (counted[at] === 0) others.push(i);
      }
      removeTrend(re, others);
      const im = new Float64Array(side * side);
      transformPlane({ rows: side, columns: side, re, im }, 'forward');
      for (let i = 0; i < power.length; i++) power[i]! += re[i]! ** 2 + im[i]! ** 2;
      blocks++;
    }
  }
  if (blocks === 0) return null;
  const sums = new Float64Array(bins);
  const counts = new Float64Array(bins);
  for (let i = 0; i < power.length; i++) {
    const bin = binOf[i]!;
    if (bin < 0) continue;
    sums[bin]! += power[i]!;
    counts[bin]! += 1;
  }
  let [weighted, whole] = [0, 0];
  for (let bin = 0; bin < bins; bin++) {
    const frequency = (bin + 0.5) / (2 * bins);
    const density = (sums[bin]! / Math.max(counts[bin]!, 1)) * frequency;
    weighted += density * frequency;
    whole += density;
  }
  return whole > 0 ? { meanFrequency: weighted / whole, blocks } : null;
}
