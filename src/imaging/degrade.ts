/**
 * More noise on a slice, as a lower dose or a faster scan would have brought. Made in the image: CT with the grain and the map that the
 * slice's own noise has, MR white and Rician. Good for comparing enhancers on one's own images; the physics of a scan (projections, coils)
 * is in models/training.
 */
import { transformPlane } from './fourier.js';
import { softTissueMask } from './masks.js';
import { noiseMap, sigmaOfMode } from './noise-ct.js';
import { noisePower } from './noise-power.js';
import { whiteNoise } from './random.js';
import type { Slice } from './slice.js';
import { meanAndDeviation } from './statistics.js';

/** Mean frequency (cycles per pixel) of a standard body kernel, for slices without a uniform region. */
const usualGrain = 0.2;

/** A part of a slice's noise: slices that overlap have parts in common. The squares of the weights of a slice add up to 1. */
export interface NoisePart {
  readonly seed: number;
  readonly weight: number;
}

/** Noise of one seed. */
const alone = (seed: number): readonly NoisePart[] => [{ seed, weight: 1 }];

function mixed(length: number, parts: readonly NoisePart[]): Float64Array {
  const out = new Float64Array(length);
  for (const { seed, weight } of parts) {
    const noise = whiteNoise(length, seed);
    for (let i = 0; i < length; i++) out[i]! += weight * noise[i]!;
  }
  return out;
}

/** Zero-mean noise of deviation 1 whose power is f exp(-a f^2), filtered back projection behind a smooth kernel. */
function grain(rows: number, columns: number, meanFrequency: number, parts: readonly NoisePart[]): Float32Array {
  // The mean of f over the plane, weighted by this power, is 2 / sqrt(pi a).
  const a = 4 / (Math.PI * meanFrequency * meanFrequency);
  const re = mixed(rows * columns, parts);
  const im = new Float64Array(re.length);
  const plane = { rows, columns, re, im };
  transformPlane(plane, 'forward');
  const signed = (k: number, size: number): number => (k < size / 2 ? k : k - size) / size;
  for (let r = 0, at = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++, at++) {
      const square = signed(r, rows) ** 2 + signed(c, columns) ** 2;
      const gain = Math.sqrt(Math.sqrt(square) * Math.exp(-a * square));
      re[at]! *= gain;
      im[at]! *= gain;
    }
  }
  transformPlane(plane, 'inverse');
  const values = Float32Array.from(re);
  const { mean, deviation } = meanAndDeviation(values);
  return values.map((value) => (value - mean) / deviation);
}

/**
 * CT at a share of its dose: noise rises with the square root of what is left out.
 *
 * @param dose share of the dose, above 0 and below 1
 * @param noiseOf seed of the noise, or the parts that it is made of
 * @returns HU; null where the slice's own noise cannot be measured
 */
export function atDose(slice: Slice, dose: number, noiseOf: number | readonly NoisePart[]): Float32Array | null {
  const mask = softTissueMask(slice);
  const sigma = sigmaOfMode(slice, mask);
  if (!(sigma > 0)) return null;
  const meanFrequency = noisePower(slice, mask)?.meanFrequency ?? usualGrain;
  const parts = typeof noiseOf === 'number' ? alone(noiseOf) : noiseOf;
  const noise = grain(slice.rows, slice.columns, meanFrequency, parts);
  const level = noiseMap(slice, mask, sigma);
  const more = Math.sqrt(1 / dose - 1);
  return slice.values.map((value, i) => value + more * level[i]! * noise[i]!);
}

/** Adds correlated noise of one deviation (HU) everywhere, with the grain of a standard kernel. */
export function withNoise(slice: Slice, sigma: number, seed: number): Float32Array {
  const noise = grain(slice.rows, slice.columns, usualGrain, alone(seed));
  return slice.values.map((value, i) => value + sigma * noise[i]!);
}

/**
 * MR with complex noise of a given deviation laid over it; the magnitude is Rician.
 *
 * @param sigma in the slice's unit
 */
export function withComplexNoise(slice: Slice, sigma: number, seed: number): Float32Array {
  const real = whiteNoise(slice.values.length, seed);
  const imaginary = whiteNoise(slice.values.length, seed + 1);
  return slice.values.map((value, i) => Math.hypot(value + sigma * real[i]!, sigma * imaginary[i]!));
}
