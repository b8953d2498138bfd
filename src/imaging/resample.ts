/** Slices on a finer grid: interpolating kernels, cubic splines, Fourier interpolation; and back onto the coarse one. */
import { transformPlane } from './fourier.js';
import type { Slice } from './slice.js';

/** Interpolating kernels: weight of a sample at a distance, in samples, and how far they reach. */
export type Kernel = 'keys' | 'lanczos3' | 'b-spline';

const reach: Readonly<Record<Kernel, number>> = { keys: 2, lanczos3: 3, 'b-spline': 2 };

function weight(kernel: Kernel, distance: number): number {
  const x = Math.abs(distance);
  if (kernel === 'lanczos3') {
    if (x === 0) return 1;
    return x < 3 ? (3 * Math.sin(Math.PI * x) * Math.sin((Math.PI * x) / 3)) / (Math.PI * Math.PI * x * x) : 0;
  }
  if (kernel === 'b-spline') {
    if (x < 1) return 2 / 3 - x * x + (x * x * x) / 2;
    return x < 2 ? (2 - x) ** 3 / 6 : 0;
  }
  // Keys' cubic convolution with a = -1/2.
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

/** What of a coarse line goes into each sample of the fine one; beyond the border nothing does, or (mirrored) the line again. */
interface Taps {
  readonly from: Int32Array;
  readonly weights: Float64Array;
  readonly each: number;
}

function tapsOf(length: number, scale: number, kernel: Kernel): Taps {
  const each = 2 * reach[kernel];
  const from = new Int32Array(length * scale * each);
  const weights = new Float64Array(length * scale * each);
  for (let i = 0; i < length * scale; i++) {
    // Pixels are areas: the fine ones fill the coarse ones.
    const x = (i + 0.5) / scale - 0.5;
    const first = Math.floor(x) - reach[kernel] + 1;
    let sum = 0;
    for (let j = 0; j < each; j++) {
      const at = first + j;
      const inside = at >= 0 && at < length;
      const value = inside || kernel === 'b-spline' ? weight(kernel, x - at) : 0;
      from[i * each + j] = mirrored(at, length);
      weights[i * each + j] = value;
      sum += value;
    }
    for (let j = 0; j < each; j++) weights[i * each + j]! /= sum;
  }
  return { from, weights, each };
}

/** The place within a line that mirrors at its border, the edge sample repeated. */
function mirrored(at: number, length: number): number {
  const period = 2 * length;
  const inPeriod = ((at % period) + period) % period;
  return inPeriod < length ? inPeriod : period - 1 - inPeriod;
}

/** The slice with `scale` x `scale` pixels in place of one; pixels are areas (half-pixel sampling). */
export function upsampled(slice: Slice, scale: number, kernel: Kernel): Slice {
  const { rows, columns } = slice;
  const values = kernel === 'b-spline' ? splineCoefficients(slice) : slice.values;
  const across = tapsOf(columns, scale, kernel);
  const wide = columns * scale;
  const half = new Float64Array(rows * wide);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < wide; c++) {
      let sum = 0;
      for (let j = c * across.each; j < (c + 1) * across.each; j++)
        sum += across.weights[j]! * values[r * columns + across.from[j]!]!;
      half[r * wide + c] = sum;
    }
  }
  const down = tapsOf(rows, scale, kernel);
  const out = new Float32Array(rows * scale * wide);
  const line = new Float64Array(wide);
  for (let r = 0; r < rows * scale; r++) {
    line.fill(0);
    for (let j = r * down.each; j < (r + 1) * down.each; j++) {
      const [factor, from] = [down.weights[j]!, down.from[j]! * wide];
      if (factor !== 0) for (let c = 0; c < wide; c++) line[c]! += factor * half[from + c]!;
    }
    out.set(line, r * wide);
  }
  return { rows: rows * scale, columns: wide, values: out };
}

/** Pole of the cubic spline's inverse filter. */
const pole = Math.sqrt(3) - 2;
/** Samples after which the pole's power is nothing. */
const settled = 24;

/** Coefficients whose cubic B-spline goes through the samples, mirrored at the border. */
function splineCoefficients({ rows, columns, values }: Slice): Float64Array {
  const out = Float64Array.from(values);
  const line = new Float64Array(Math.max(rows, columns) + 2 * settled);
  for (let r = 0; r < rows; r++) filterLine(out, r * columns, 1, columns, line);
  for (let c = 0; c < columns; c++) filterLine(out, c, columns, rows, line);
  return out;
}

function filterLine(values: Float64Array, start: number, stride: number, length: number, line: Float64Array): void {
  const all = length + 2 * settled;
  for (let i = 0; i < all; i++) line[i] = 6 * values[start + mirrored(i - settled, length) * stride]!;
  for (let i = 1; i < all; i++) line[i]! += pole * line[i - 1]!;
  line[all - 1]! *= pole / (pole * pole - 1);
  for (let i = all - 2; i >= 0; i--) line[i] = pole * (line[i + 1]! - line[i]!);
  for (let i = 0; i < length; i++) values[start + i * stride] = line[i + settled]!;
}

/** The slice on the coarse grid again, as a scanner with larger pixels would see it: the mean of each `scale` x `scale` pixels. */
export function areaMeans({ rows, columns, values }: Slice, scale: number): Slice {
  const [low, narrow] = [rows / scale, columns / scale];
  const out = new Float32Array(low * narrow);
  for (let r = 0; r < rows; r++) {
    const to = Math.floor(r / scale) * narrow;
    for (let c = 0; c < columns; c++) out[to + Math.floor(c / scale)]! += values[r * columns + c]!;
  }
  const share = 1 / (scale * scale);
  for (let i = 0; i < out.length; i++) out[i]! *= share;
  return { rows: low, columns: narrow, values: out };
}

/** Values that a file can hold. */
export interface ValueRange {
  readonly low: number;
  readonly high: number;
}

/**
 * Holds a finer grid within what its file can hold, in place: beside air that is stored as the least value, and in saturated metal, an
 * interpolation overshoots it. What such a pixel cannot hold goes to those beside it in the same coarse pixel, so that the mean of them
 * stays what it was; where all of them are at the end of the range, the rest is lost.
 */
export function holdWithin({ rows, columns, values }: Slice, scale: number, { low, high }: ValueRange): void {
  const block = new Int32Array(scale * scale);
  for (let top = 0; top < rows; top += scale) {
    for (let left = 0; left < columns; left += scale) {
      let isBeyond = false;
      for (let i = 0; i < block.length; i++) {
        const at = (top + Math.floor(i / scale)) * columns + left + (i % scale);
        block[i] = at;
        isBeyond ||= values[at]! < low || values[at]! > high;
      }
      if (isBeyond) holdBlock(values, block, low, high);
    }
  }
}

function holdBlock(values: Float32Array, block: Int32Array, low: number, high: number): void {
  let owed = 0;
  for (const at of block) {
    const held = Math.min(high, Math.max(low, values[at]!));
    owed += values[at]! - held;
    values[at] = held;
  }
  // Each turn pays the rest or brings another pixel to its end.
  for (let turn = 0; turn < block.length && owed !== 0; turn++) {
    const end = owed < 0 ? low : high;
    const free = block.filter((at) => values[at]! !== end);
    if (free.length === 0) return;
    const share = owed / free.length;
    for (const at of free) {
      const paid = Math.abs(end - values[at]!) < Math.abs(share) ? end - values[at]! : share;
      values[at]! += paid;
      owed -= paid;
    }
  }
}

/**
 * Cubic spline, sharpened until the means of its pixels are the coarse ones again (iterative back-projection): what the spline's
 * smoothness took from edges is put back, and no more.
 *
 * @param rounds 3 leave at most 1 HU (root mean square) on CT
 */
export function backProjected(slice: Slice, scale: number, rounds: number): Slice {
  const out = upsampled(slice, scale, 'b-spline');
  for (let round = 0; round < rounds; round++) {
    const means = areaMeans(out, scale);
    for (let i = 0; i < means.values.length; i++) means.values[i] = slice.values[i]! - means.values[i]!;
    const missing = upsampled(means, scale, 'b-spline').values;
    for (let i = 0; i < missing.length; i++) out.values[i]! += missing[i]!;
  }
  return out;
}

/** Zero filling in k-space: every `scale`-th pixel is the coarse one, those between continue its frequencies (asymmetric sampling). */
export function zeroFilled({ rows, columns, values }: Slice, scale: number): Slice {
  const coarse = { rows, columns, re: Float64Array.from(values), im: new Float64Array(values.length) };
  transformPlane(coarse, 'forward');
  const [tall, wide] = [rows * scale, columns * scale];
  const fine = { rows: tall, columns: wide, re: new Float64Array(tall * wide), im: new Float64Array(tall * wide) };
  const down = placesOf(rows, scale);
  const across = placesOf(columns, scale);
  for (const [r, toRow, rowShare] of down) {
    for (const [c, toColumn, columnShare] of across) {
      const [from, to] = [r * columns + c, toRow * wide + toColumn];
      const share = rowShare * columnShare * scale * scale;
      fine.re[to] = coarse.re[from]! * share;
      fine.im[to] = coarse.im[from]! * share;
    }
  }
  transformPlane(fine, 'inverse');
  return { rows: tall, columns: wide, values: Float32Array.from(fine.re) };
}

/** Where each frequency of a line goes in a longer one. The highest of an even line is both ends at once: half goes to each. */
function placesOf(length: number, scale: number): [from: number, to: number, share: number][] {
  const places: [number, number, number][] = [];
  for (let k = 0; k < length; k++) {
    if (2 * k === length) places.push([k, k, 0.5], [k, length * scale - k, 0.5]);
    else places.push([k, 2 * k < length ? k : length * scale - (length - k), 1]);
  }
  return places;
}
