/** Wavelet shrinkage with Daubechies' filter of 8 taps (db4), periodic border: PyWavelets' `periodization`. */
import { reflected } from './gaussian.js';
import type { Slice } from './slice.js';

/** Low-pass analysis filter; I. Daubechies, Ten Lectures on Wavelets, table 6.1 (N = 4), reversed. */
const low = [
  -0.010597401785069032, 0.0328830116668852, 0.030841381835560764, -0.18703481171909309, -0.027983769416859854,
  0.6308807679298589, 0.7148465705529157, 0.2303778133088965,
] as const;
const high = low.map((_, k) => (k % 2 === 0 ? -1 : 1) * (low[7 - k] ?? 0));
const taps = low.length;

/** One level of analysis of `length` values (even): approximation in the first half of `out`, detail in the second. */
function analyse(line: Float32Array, length: number, out: Float32Array): void {
  const half = length / 2;
  for (let k = 0; k < half; k++) {
    let approximation = 0;
    let detail = 0;
    for (let j = 0; j < taps; j++) {
      const value = line[(taps / 2 + 2 * k - j + length * taps) % length]!;
      approximation += low[j]! * value;
      detail += high[j]! * value;
    }
    out[k] = approximation;
    out[half + k] = detail;
  }
}

/** The inverse of `analyse`: the transform is orthonormal, so its transpose. */
function synthesise(line: Float32Array, length: number, out: Float32Array): void {
  const half = length / 2;
  out.fill(0, 0, length);
  for (let k = 0; k < half; k++) {
    const approximation = line[k]!;
    const detail = line[half + k]!;
    for (let j = 0; j < taps; j++) {
      out[(taps / 2 + 2 * k - j + length * taps) % length]! += low[j]! * approximation + high[j]! * detail;
    }
  }
}

type Step = (line: Float32Array, length: number, out: Float32Array) => void;

function eachRow(values: Float32Array, stride: number, rows: number, columns: number, step: Step): void {
  const out = new Float32Array(columns);
  for (let r = 0; r < rows; r++) {
    const line = values.subarray(r * stride, r * stride + columns);
    step(line, columns, out);
    line.set(out);
  }
}

function eachColumn(values: Float32Array, stride: number, rows: number, columns: number, step: Step): void {
  const line = new Float32Array(rows);
  const out = new Float32Array(rows);
  for (let c = 0; c < columns; c++) {
    for (let r = 0; r < rows; r++) line[r] = values[r * stride + c]!;
    step(line, rows, out);
    for (let r = 0; r < rows; r++) values[r * stride + c] = out[r]!;
  }
}

/**
 * Soft-thresholds the detail coefficients of `levels` levels at `threshold` (the slice's unit); the approximation stays.
 * Sizes that are no multiple of 2^levels are mirrored up to one and cut back.
 */
export function waveletThreshold(slice: Slice, levels: number, threshold: number): Float32Array {
  const unit = 2 ** levels;
  const rows = Math.ceil(slice.rows / unit) * unit;
  const columns = Math.ceil(slice.columns / unit) * unit;
  const values = new Float32Array(rows * columns);
  for (let r = 0, to = 0; r < rows; r++) {
    const from = reflected(r, slice.rows) * slice.columns;
    for (let c = 0; c < columns; c++) values[to++] = slice.values[from + reflected(c, slice.columns)]!;
  }
  for (let level = 0; level < levels; level++) {
    eachRow(values, columns, rows >> level, columns >> level, analyse);
    eachColumn(values, columns, rows >> level, columns >> level, analyse);
  }
  for (let r = 0, at = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++, at++) {
      if (r < rows / unit && c < columns / unit) continue;
      const value = values[at]!;
      values[at] = value > threshold ? value - threshold : value < -threshold ? value + threshold : 0;
    }
  }
  for (let level = levels - 1; level >= 0; level--) {
    eachColumn(values, columns, rows >> level, columns >> level, synthesise);
    eachRow(values, columns, rows >> level, columns >> level, synthesise);
  }
  const out = new Float32Array(slice.rows * slice.columns);
  for (let r = 0; r < slice.rows; r++) {
    out.set(values.subarray(r * columns, r * columns + slice.columns), r * slice.columns);
  }
  return out;
}

/** Donoho and Johnstone's universal threshold for a slice of this noise: sigma sqrt(2 ln n). */
export function universalThreshold(slice: Slice, sigma: number): number {
  return sigma * Math.sqrt(2 * Math.log(slice.rows * slice.columns));
}
