// Simulated CT and MR slices: smooth anatomy made of ellipses, and noise of a seed. No patient stands behind them.
import { gaussian } from '../../src/imaging/gaussian.js';
import { whiteNoise as whiteNoise64 } from '../../src/imaging/random.js';

export interface PhantomOptions {
  readonly modality: 'CT' | 'MR';
  readonly rows: number;
  readonly columns: number;
  /** Standard deviation of the noise: HU for CT (correlated, as behind a soft kernel), counts for MR (Rician). */
  readonly noise: number;
  readonly seed: number;
}

/** White noise of deviation 1, as slices hold it. */
export const whiteNoise = (length: number, seed: number): Float32Array => Float32Array.from(whiteNoise64(length, seed));

/** Noise of deviation 1 with the low-pass texture of a soft CT kernel (Gaussian of 0.8 pixels). */
export function kernelNoise(rows: number, columns: number, seed: number): Float32Array {
  const out = gaussian({ rows, columns, values: whiteNoise(rows * columns, seed) }, 0.8);
  let sum = 0;
  let squares = 0;
  for (const value of out) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / out.length;
  const deviation = Math.sqrt(squares / out.length - mean * mean);
  for (let i = 0; i < out.length; i++) out[i] = ((out[i] ?? 0) - mean) / deviation;
  return out;
}

/** x, y, radius along x, radius along y (all in units of half the matrix), value, drift of the centre along the slices. */
type Ellipse = readonly [number, number, number, number, number, number];

const ctBody: readonly Ellipse[] = [
  [0, 0, 0.9, 0.68, -95, 0],
  [0, 0, 0.82, 0.6, 52, 0],
  [-0.32, -0.06, 0.38, 0.34, 108, 0.05],
  [0.44, 0.02, 0.2, 0.24, 118, -0.04],
  [0.1, -0.24, 0.2, 0.13, 38, 0.1],
  [0.12, -0.3, 0.09, 0.05, -880, 0.12],
  [0, 0.3, 0.15, 0.14, 260, 0],
  [0, 0.3, 0.11, 0.1, 190, 0],
  [0, 0.42, 0.05, 0.04, 20, 0],
  [0.02, 0.1, 0.06, 0.06, 165, 0],
  [-0.1, 0.1, 0.05, 0.04, 140, 0.02],
  [-0.32, 0.28, 0.1, 0.09, 150, 0.02],
  [0.34, 0.3, 0.1, 0.09, 150, -0.02],
  [-0.45, -0.12, 0.05, 0.05, 78, 0.03],
  [-0.28, 0.02, 0.03, 0.03, 128, 0.03],
  [-0.35, -0.25, 0.02, 0.02, 88, 0.03],
  [0, 0.8, 1.4, 0.05, -700, 0],
];

const mrHead: readonly Ellipse[] = [
  [0, 0, 0.74, 0.88, 820, 0],
  [0, 0, 0.69, 0.83, 60, 0],
  [0, 0, 0.64, 0.78, 560, 0],
  [0, 0, 0.56, 0.7, 430, 0],
  [-0.14, -0.05, 0.08, 0.26, 930, 0.04],
  [0.14, -0.05, 0.08, 0.26, 930, -0.04],
  [-0.24, 0.12, 0.1, 0.13, 520, 0.02],
  [0.24, 0.12, 0.1, 0.13, 520, -0.02],
  [-0.34, -0.34, 0.07, 0.05, 640, 0.03],
  [0.3, 0.4, 0.04, 0.04, 500, 0.03],
  [0, 0.55, 0.16, 0.1, 600, 0],
];

/** The slice without noise at `z` in 0..1 along the series: HU, or counts of 0 to about 1000. `[row][column]`. */
export function cleanSlice(options: PhantomOptions, z: number): Float32Array {
  const { rows, columns, modality } = options;
  const values = new Float32Array(rows * columns).fill(modality === 'CT' ? -1000 : 0);
  const half = Math.min(rows, columns) / 2;
  for (const [x0, y0, rx0, ry0, value, drift] of modality === 'CT' ? ctBody : mrHead) {
    const swell = 1 + 0.06 * Math.sin(2 * Math.PI * (z + drift * 7));
    const [rx, ry] = [rx0 * swell, ry0 * swell];
    const [x, y] = [x0 + drift * Math.sin(5 * z), y0 + drift * Math.cos(4 * z)];
    const [cy, cx] = [rows / 2 - 0.5 + y * half, columns / 2 - 0.5 + x * half];
    for (let r = Math.max(0, Math.floor(cy - ry * half) - 1); r <= Math.min(rows - 1, cy + ry * half + 1); r++) {
      for (let c = Math.max(0, Math.floor(cx - rx * half) - 1); c <= Math.min(columns - 1, cx + rx * half + 1); c++) {
        const distance = Math.hypot((c - cx) / (rx * half), (r - cy) / (ry * half));
        const share = Math.min(1, Math.max(0, (1 - distance) * Math.min(rx, ry) * half + 0.5));
        const at = r * columns + c;
        values[at] = (values[at] ?? 0) * (1 - share) + value * share;
      }
    }
  }
  return values;
}

/** Lays the options' noise over a clean slice; `index` makes each slice's noise its own. */
export function noisySlice(options: PhantomOptions, clean: Float32Array, index: number): Float32Array {
  const { rows, columns, noise, modality } = options;
  const seed = options.seed * 7919 + index * 104729;
  const out = new Float32Array(clean.length);
  if (modality === 'CT') {
    const field = kernelNoise(rows, columns, seed);
    for (let i = 0; i < out.length; i++) out[i] = (clean[i] ?? 0) + noise * (field[i] ?? 0);
    return out;
  }
  const real = whiteNoise(out.length, seed);
  const imaginary = whiteNoise(out.length, seed + 1);
  for (let i = 0; i < out.length; i++) {
    out[i] = Math.hypot((clean[i] ?? 0) + noise * (real[i] ?? 0), noise * (imaginary[i] ?? 0));
  }
  return out;
}
