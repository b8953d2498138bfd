/** What a slice is like before it is enhanced: its noise, where, and how to measure the same after. */
import { gaussian } from '../imaging/gaussian.js';
import { bodyMask, softTissueMask } from '../imaging/masks.js';
import { noiseMap, noiseWindows, sigmaInWindows, sigmaOfBlocks, sigmaOfMode } from '../imaging/noise-ct.js';
import type { NoiseWindows } from '../imaging/noise-ct.js';
import { flatTissue, mrNoise, mrNoiseMap, sigmaOfLaplacian } from '../imaging/noise-mr.js';
import type { Slice } from '../imaging/slice.js';
import { quantile } from '../imaging/statistics.js';

export type NoiseModality = 'CT' | 'MR' | 'US';

/** A slice in the units models work in: HU for CT; for MR the 99.5th percentile is 1000, so that noise is in its permille. */
export interface Measured {
  readonly slice: Slice;
  /** Factor from the modality's values to `slice`. */
  readonly scale: number;
  /** Tissue in which noise is measured and whose mean is kept. */
  readonly mask: Uint8Array;
  /** Deviation of the noise; null where it cannot be measured. */
  readonly sigma: number | null;
  /** Local deviation of the noise, or the best guess there is. */
  readonly map: Float32Array;
  /** How noise is compared before and after; null where it cannot be. */
  readonly comparison: Comparison | null;
}

type Comparison =
  /** CT and ultrasound: deviations in the same windows. */
  | { readonly by: 'windows'; readonly windows: NoiseWindows }
  /** MR: second differences of this spacing, over the flat half of the tissue. */
  | {
      readonly by: 'differences';
      readonly spacing: readonly [number, number];
      readonly flat: Uint8Array;
      readonly before: number;
    };

function inWindows(slice: Slice, mask: Uint8Array, sigma: number | null): Comparison | null {
  const windows = sigma === null ? null : noiseWindows(slice, mask, sigma);
  return windows && { by: 'windows', windows };
}

/** Factor that brings the 99.5th percentile of an MR slice to 1000; 1 for an empty slice. */
function scaleOf(modality: NoiseModality, values: Float32Array): number {
  if (modality !== 'MR') return 1;
  const top = quantile(values, 0.995);
  return top > 0 ? 1000 / top : 1;
}

/**
 * @param values of the modality (HU, counts), `[row][column]`; scaled in place
 * @param guess noise to assume where none can be measured, in the unit of the result
 * @param region of ultrasound: the tissue that may be enhanced
 */
export function measureSlice(
  modality: NoiseModality,
  rows: number,
  columns: number,
  values: Float32Array,
  guess: number,
  region: Uint8Array | null = null,
): Measured {
  const scale = scaleOf(modality, values);
  if (scale !== 1) for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) * scale;
  const slice = { rows, columns, values };
  if (modality === 'US') {
    const mask = region ?? new Uint8Array(values.length);
    // Speckle is told where it is not cut off by black or white.
    const means = gaussian(slice, 3);
    const open = mask.map((inside, i) => (inside === 1 && (means[i] ?? 0) > 20 && (means[i] ?? 0) < 235 ? 1 : 0));
    const found = sigmaOfMode(slice, open);
    const sigma = Number.isFinite(found) && found > 0 ? found : null;
    return {
      slice,
      scale,
      mask: open,
      sigma,
      map: new Float32Array(values.length).fill(sigma ?? guess),
      comparison: inWindows(slice, open, sigma),
    };
  }
  if (modality === 'CT') {
    const mask = softTissueMask(slice);
    const mode = sigmaOfMode(slice, mask);
    // Fewer than 12 blocks of soft tissue: too little to say what the noise is.
    const found = mode > 0 && Number.isFinite(sigmaOfBlocks(slice, mask)) ? mode : null;
    const comparison = inWindows(slice, mask, found);
    return { slice, scale, mask, sigma: found, map: noiseMap(slice, mask, found ?? guess), comparison };
  }
  const mask = bodyMask(slice);
  const noise = mrNoise(slice, mask);
  const sigma = noise.measurable ? noise.sigma : null;
  const level = noise.sigma > 0 ? noise.sigma : guess;
  const map = mrNoiseMap(slice, mask, level, noise.spacing);
  const flat = flatTissue(slice, mask);
  const before = sigmaOfLaplacian(slice, flat, noise.spacing);
  return { slice, scale, mask, sigma, map, comparison: { by: 'differences', spacing: noise.spacing, flat, before } };
}

/**
 * Noise after over noise before, by the same estimator in the same places: local deviations for CT and ultrasound. For MR second
 * differences within flat tissue (elsewhere they are anatomy, which stays): in air a magnitude keeps its Rayleigh mean, whatever is taken away.
 *
 * @returns null where one of them cannot be measured
 */
export function noiseRatio({ mask, comparison }: Measured, after: Slice): number | null {
  if (comparison === null) return null;
  const ratio =
    comparison.by === 'windows'
      ? sigmaInWindows(after, mask, comparison.windows) / comparison.windows.deviation
      : sigmaOfLaplacian(after, comparison.flat, comparison.spacing) / comparison.before;
  return Number.isFinite(ratio) ? ratio : null;
}
