/** Artefact index: energy of the texture that lies in few directions. */
import { transformPlane } from './fourier.js';
import { gaussian } from './gaussian.js';
import { eroded } from './masks.js';
import type { Slice } from './slice.js';
import { masked, robustDeviation } from './statistics.js';

const side = 256;
const directions = 24;
/** With fewer pixels each direction has so few frequencies of its own that white noise alone exceeds the bound of a severe one (15 %). */
const leastPixels = 1400;
/** Frequencies that count, cycles per pixel: slower is anatomy, faster is noise. */
const band = { above: 0.03, below: 0.2 } as const;

/** The part of the slice around the middle of the mask, at most 256x256. */
function crop(slice: Slice, mask: Uint8Array): { slice: Slice; mask: Uint8Array } {
  const { rows, columns, values } = slice;
  let [sumRows, sumColumns, count] = [0, 0, 0];
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] === 0) continue;
    sumRows += Math.floor(i / columns);
    sumColumns += i % columns;
    count++;
  }
  const start = (sum: number, size: number): number =>
    Math.min(Math.max(0, size - side), Math.max(0, Math.floor(sum / Math.max(count, 1)) - side / 2));
  const [top, left] = [start(sumRows, rows), start(sumColumns, columns)];
  const [height, width] = [Math.min(side, rows), Math.min(side, columns)];
  const inside = { values: new Float32Array(height * width), mask: new Uint8Array(height * width) };
  for (let r = 0; r < height; r++) {
    const from = (top + r) * columns + left;
    inside.values.set(values.subarray(from, from + width), r * width);
    inside.mask.set(mask.subarray(from, from + width), r * width);
  }
  return { slice: { rows: height, columns: width, values: inside.values }, mask: inside.mask };
}

/** Texture of the mask: what is left beyond a smooth base, limited to 3 deviations, faded out at the mask's edge. */
function texture(slice: Slice, mask: Uint8Array): Float64Array {
  const { rows, columns } = slice;
  const inside = eroded(mask, rows, columns, 2);
  const shape = { rows, columns };
  const share = Float32Array.from(inside);
  const base = gaussian({ ...shape, values: slice.values.map((value, i) => value * inside[i]!) }, 6);
  const part = gaussian({ ...shape, values: share }, 6);
  const rest = slice.values.map((value, i) => (inside[i] === 0 ? 0 : value - base[i]! / Math.max(part[i]!, 1e-3)));
  const limit = 3 * robustDeviation(masked(rest, inside));
  const fade = gaussian({ ...shape, values: share }, 2);
  return Float64Array.from(rest, (value, i) => Math.min(limit, Math.max(-limit, value)) * fade[i]! * inside[i]!);
}

/**
 * Share of the energy above the median direction, in those of 24 directions that exceed twice the median; percent. Isotropic
 * noise: about 0. Ribs and bars count too, so the index only ever makes one suspect streaks.
 *
 * @returns null for a mask of too few pixels to tell
 */
export function streakIndex(whole: Slice, wholeMask: Uint8Array): number | null {
  const { slice, mask } = crop(whole, wholeMask);
  const { rows, columns } = slice;
  if (mask.reduce((sum, value) => sum + value, 0) < leastPixels) return null;
  const re = texture(slice, mask);
  const im = new Float64Array(re.length);
  transformPlane({ rows, columns, re, im }, 'forward');
  const energy = new Float64Array(directions);
  const counts = new Float64Array(directions);
  const signed = (k: number, size: number): number => (k < size / 2 ? k : k - size) / size;
  for (let i = 0; i < re.length; i++) {
    const [fy, fx] = [signed(Math.floor(i / columns), rows), signed(i % columns, columns)];
    const frequency = Math.hypot(fy, fx);
    if (frequency <= band.above || frequency >= band.below) continue;
    const turn = (((Math.atan2(fy, fx) % Math.PI) + Math.PI) % Math.PI) / Math.PI;
    const direction = Math.floor(turn * directions + 0.5) % directions;
    energy[direction]! += re[i]! ** 2 + im[i]! ** 2;
    counts[direction]! += 1;
  }
  const mean = energy.map((value, i) => value / Math.max(counts[i]!, 1));
  const sorted = mean.toSorted();
  const middle = (sorted[directions / 2 - 1]! + sorted[directions / 2]!) / 2;
  let [excess, all] = [0, 0];
  for (const value of mean) {
    if (value > 2 * middle) excess += value - middle;
    all += value;
  }
  return all > 0 ? (100 * excess) / all : 0;
}
