/** Figures of one slice that need no reference, by modality. */
import { ctContrast, entropy, mrContrast, signalToNoise } from './contrast.js';
import { edgeResponse } from './edge-response.js';
import { gaussian } from './gaussian.js';
import type { SliceQuality } from './grade.js';
import { noisePower } from './noise-power.js';
import type { Slice } from './slice.js';
import { masked, median, quantile } from './statistics.js';
import { streakIndex } from './streaks.js';

/** HU at the ends of the soft tissue window in which entropy is taken. */
const window = { low: -160, high: 240 } as const;

const over = (contrast: number | null, sigma: number): number | null => {
  const ratio = contrast === null ? Number.NaN : contrast / sigma;
  return Number.isFinite(ratio) ? ratio : null;
};

/**
 * Measures a slice. Compare before and after on the same mask.
 *
 * @param mask tissue: soft tissue for CT, the foreground for others
 * @param sigma noise in the slice's unit; null where it could not be measured, and with it all that is relative to it
 */
export function qualityOf(modality: 'CT' | 'MR', slice: Slice, mask: Uint8Array, sigma: number | null): SliceQuality {
  const tissue = masked(slice.values, mask);
  const contrast =
    modality === 'CT' ? ctContrast(slice, { ...slice, values: gaussian(slice, 2) }) : mrContrast(slice, mask);
  const [low, high] = modality === 'CT' ? [window.low, window.high] : [0, quantile(slice.values, 0.995)];
  // HU count from -1000: air has no signal.
  const signal = median(tissue) + (modality === 'CT' ? 1000 : 0);
  return {
    noise: sigma,
    signalToNoise: sigma === null ? null : signalToNoise(signal, sigma),
    contrastToNoise: sigma === null ? null : over(contrast, sigma),
    mtf50: sigma === null ? null : edgeResponse(slice, sigma).mtf50,
    noiseFrequency: noisePower(slice, mask)?.meanFrequency ?? null,
    artefact: streakIndex(slice, mask),
    entropy: tissue.length > 0 && high > low ? entropy(slice, mask, low, high) : null,
  };
}
