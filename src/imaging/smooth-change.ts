/**
 * Smooth changes: what a model drew or wiped out that is larger than grain. A spot, a shading or a lesion that comes or goes has no edge,
 * no period and hardly any part in the mean, and may stay below the noise everywhere: what noise has of it is little.
 */
import { gaussianAt } from './gaussian.js';
import type { Slice } from './slice.js';

/** Deviation of the Gaussian that the change is looked at through, pixels: of white noise a fourteenth is left. */
const window = 4;
/** Every so many rows and columns are looked at: the Gaussian's deviation, so that no spot is missed. */
export const smoothStep = 4;
/** The map of noise may be near zero in masked air and padding; there this share of the slice's noise stands for it. */
const leastShare = 0.25;
/** Noise below this (the slice's unit) is none: no division by zero. */
const least = 1e-6;

/**
 * The smooth changes of a slice, up or down, in deviations of the local noise: at every fourth row and column (`smoothStep`).
 *
 * @param taken input less output
 * @param noise local deviation of the noise, same shape and unit
 * @param sigma the slice's, same unit; null where it could not be measured: the map is the best guess then, and counts alone
 */
export function smoothChanges(taken: Slice, noise: Float32Array, sigma: number | null): Float32Array {
  const floor = Math.max(least, leastShare * (sigma ?? 0));
  const columns = Math.ceil(taken.columns / smoothStep);
  return gaussianAt(taken, window, smoothStep).map((change, i) => {
    const at = (Math.floor(i / columns) * taken.columns + (i % columns)) * smoothStep;
    return Math.abs(change) / Math.max(noise[at]!, floor);
  });
}

/** The largest of them. @returns NaN where one is no number */
export function largestOf(changes: Float32Array): number {
  let largest = 0;
  for (const change of changes) {
    if (Number.isNaN(change)) return change;
    largest = Math.max(largest, change);
  }
  return largest;
}
