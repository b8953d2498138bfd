// The images of make-reference.py, by the same formulas; and the reference values that it wrote.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { gaussian } from '../../src/imaging/gaussian.js';
import { transformPlane } from '../../src/imaging/fourier.js';
import type { Slice } from '../../src/imaging/slice.js';
import { uniform } from '../../src/imaging/random.js';

const numbers = z.array(z.number());
const referenceFile = z.object({
  gaussian: numbers,
  gradient: numbers,
  median: numbers,
  bilateral: numbers,
  nonLocalMeans: numbers,
  totalVariation: numbers,
  clahe: numbers,
  wavelet: numbers,
  ct: z.object({
    first: numbers,
    maskPixels: z.number(),
    mode: z.number(),
    blocks: z.number(),
    map: numbers,
    residualStructure: z.number(),
    edgeRatio: z.number(),
    psnr: z.number(),
    ssim: z.number(),
  }),
  mr: z.object({
    first: numbers,
    maskPixels: z.number(),
    airPixels: z.number(),
    background: z.number(),
    laplacian: z.number(),
    cutFirst: numbers,
    cutLaplacian: z.number(),
    kSpace: z.number(),
    support: numbers,
  }),
  quality: z.object({
    first: numbers,
    contrast: z.number(),
    entropy: z.number(),
    noiseFrequency: z.tuple([z.number(), z.number()]),
    edges: z.tuple([z.number(), z.number()]),
    streaks: z.number(),
    mrContrast: z.number(),
  }),
});

const file = new URL('../../../test/imaging/cases/reference.json', import.meta.url);
export const reference = referenceFile.parse(JSON.parse(readFileSync(file, 'utf8')));

export function smallImage(rows: number, columns: number): Slice {
  const next = uniform(7);
  const at = (r: number, c: number): number => 100 * Math.sin(0.4 * r) + 60 * Math.cos(0.3 * c) + 80 * (next() - 0.5);
  const values = Float32Array.from({ length: rows * columns }, (_, i) => at(Math.floor(i / columns), i % columns));
  return { rows, columns, values };
}

function bell(seed: number, length: number): Float64Array {
  const next = uniform(seed);
  return Float64Array.from({ length }, () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += next();
    return sum;
  });
}

function paintDisc(
  values: Float64Array | Float32Array,
  n: number,
  radius: number,
  x: number,
  y: number,
  value: number,
): void {
  for (let i = 0; i < values.length; i++) {
    if (Math.hypot(Math.floor(i / n) - n / 2 - y, (i % n) - n / 2 - x) < radius) values[i] = value;
  }
}

/** Noise of deviation 1, correlated over about a pixel. */
function correlatedNoise(seed: number, n: number): Float32Array {
  const noise = gaussian({ rows: n, columns: n, values: Float32Array.from(bell(seed, n * n)) }, 0.8);
  let [sum, squares] = [0, 0];
  for (const value of noise) {
    sum += value;
    squares += value * value;
  }
  const deviation = Math.sqrt(squares / noise.length - (sum / noise.length) ** 2);
  return noise.map((value) => value / deviation);
}

/** A water disc of 256x256 with correlated noise of 20 HU at the left to 30 HU at the right. */
export function ctImage(): Slice {
  const n = 256;
  const values = new Float32Array(n * n).fill(-1000);
  paintDisc(values, n, 100, 0, 0, 40);
  paintDisc(values, n, 30, 20, 10, 120);
  const noise = correlatedNoise(11, n);
  for (let i = 0; i < values.length; i++) {
    values[i] = (values[i] ?? 0) + (noise[i] ?? 0) * 20 * (1 + (0.5 * (i % n)) / n);
  }
  return { rows: n, columns: n, values };
}

/** Fat around soft tissue with a bone in it, noise of 12 HU and a grid of 25 HU: every figure has something to measure. */
export function torsoImage(): Slice {
  const n = 256;
  const clean = new Float32Array(n * n).fill(-1000);
  paintDisc(clean, n, 100, 0, 0, -100);
  paintDisc(clean, n, 86, 0, 0, 50);
  paintDisc(clean, n, 12, -30, 20, 900);
  const values = gaussian({ rows: n, columns: n, values: clean }, 1);
  const grid = new Float32Array(n * n);
  paintDisc(grid, n, 80, 0, 0, 25);
  const noise = correlatedNoise(31, n);
  for (let i = 0; i < values.length; i++) {
    values[i] = (values[i] ?? 0) + 12 * (noise[i] ?? 0) + (grid[i] ?? 0) * Math.sin(Math.floor(i / n) * 0.7);
  }
  return { rows: n, columns: n, values };
}

/** A disc in air, complex noise of 25, cut to `keep` lines of k-space and zero-filled; magnitude, 128x128. */
export function mrImage(keep: number): Slice {
  const n = 128;
  const re = new Float64Array(n * n);
  paintDisc(re, n, 45, 0, 0, 500);
  paintDisc(re, n, 15, 8, -6, 900);
  const real = bell(21, n * n);
  const im = bell(22, n * n).map((value) => 25 * value);
  for (let i = 0; i < re.length; i++) re[i] = (re[i] ?? 0) + 25 * (real[i] ?? 0);
  const plane = { rows: n, columns: n, re, im };
  if (keep < n) {
    transformPlane(plane, 'forward');
    const outside = (k: number): boolean => k >= keep / 2 && k < n - keep / 2;
    for (let i = 0; i < re.length; i++) if (outside(Math.floor(i / n)) || outside(i % n)) re[i] = im[i] = 0;
    transformPlane(plane, 'inverse');
  }
  return { rows: n, columns: n, values: Float32Array.from(re, (value, i) => Math.hypot(value, im[i] ?? 0)) };
}

/** Greatest absolute difference. */
export function distance(got: ArrayLike<number>, want: ArrayLike<number>): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 0; i < got.length; i++) {
    const difference = Math.abs((got[i] ?? 0) - (want[i] ?? 0));
    if (!(difference <= most)) most = difference;
  }
  return most;
}
