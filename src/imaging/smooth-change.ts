/**
 * Smooth changes: what a model drew or wiped out that is larger than grain. A spot, a shading or a lesion that comes or goes has no edge,
 * no period and hardly any part in the mean, and may stay below the noise everywhere: what noise has of it is little.
 */
import { gaussianAt } from './gaussian.js';
import type { Slice } from './slice.js';

/** Deviation of the Gaussian that the change is looked at through, pixels: of white noise a fourteenth is left. */
const window = 4;
/** Every so many rows and columns are looked at: the Gaussian's deviation, so that no spot is missed. */
const step = 4;
/** The map of noise may be near zero in masked air and padding; there this share of the slice's noise stands for it. */
const leastShare = 0.25;

/**
 * The largest smooth change of a slice, up or down, in deviations of the local noise.
 *
 * @param taken input less output
 * @param noise local deviation of the noise, same shape and unit
 * @param sigma the slice's, same unit
 * @returns NaN for values that are no number
 */
export function largestSmoothChange(taken: Slice, noise: Float32Array, sigma: number): number {
  const smooth = gaussianAt(taken, window, step);
  const columns = Math.ceil(taken.columns / step);
  let largest = 0;
  for (let i = 0; i < smooth.length; i++) {
    const at = Math.floor(i / columns) * step * taken.columns + (i % columns) * step;
    const change = Math.abs(smooth[i]!) / Math.max(noise[at]!, leastShare * sigma);
    if (Number.isNaN(change)) return change;
    largest = Math.max(largest, change);
  }
  return largest;
}
