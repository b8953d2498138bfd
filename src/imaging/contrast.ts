/** How well tissues can be told apart: signal to noise, contrast to noise, entropy. */
import { eroded, pixelsOf } from './masks.js';
import type { Slice } from './slice.js';
import { masked, median, quantile } from './statistics.js';

/** HU of fat and of soft tissue. */
const fat = { above: -130, below: -60 } as const;
const soft = { above: 0, below: 150 } as const;
const leastPixels = 200;

function between({ rows, columns, values }: Slice, { above, below }: { above: number; below: number }): Uint8Array {
  const mask = new Uint8Array(values.length);
  for (let i = 0; i < mask.length; i++) if (values[i]! > above && values[i]! < below) mask[i] = 1;
  return eroded(mask, rows, columns, 2);
}

/** The two classes that Otsu's threshold makes of a sample: their medians. 128 bins between its 0.5 and 99.5 percentiles. */
function twoClasses(sample: Float32Array): readonly [number, number] {
  const bins = 128;
  const [low, high] = [quantile(sample, 0.005), quantile(sample, 0.995)];
  const width = (high - low) / bins;
  if (!(width > 0)) return [low, low];
  const counts = new Float64Array(bins);
  let all = 0;
  for (const value of sample) {
    if (value < low || value > high) continue;
    counts[Math.min(bins - 1, Math.floor((value - low) / width))]! += 1;
    all++;
  }
  const centre = (bin: number): number => low + (bin + 0.5) * width;
  let mean = 0;
  for (let bin = 0; bin < bins; bin++) mean += (counts[bin]! / all) * centre(bin);
  let [weight, sum, best, threshold] = [0, 0, -1, low];
  for (let bin = 0; bin < bins; bin++) {
    weight += counts[bin]! / all;
    sum += (counts[bin]! / all) * centre(bin);
    const spread = (mean * weight - sum) ** 2 / (weight * (1 - weight));
    if (Number.isFinite(spread) && spread > best) [best, threshold] = [spread, centre(bin)];
  }
  return [median(sample.filter((value) => value <= threshold)), median(sample.filter((value) => value > threshold))];
}

/**
 * Contrast between fat and soft tissue, HU; null where one of them has fewer than 200 pixels, 2 pixels from other tissue.
 *
 * @param smooth the slice smoothed, so that noise does not break the masks apart
 */
export function ctContrast(slice: Slice, smooth: Slice): number | null {
  const [light, dense] = [between(smooth, fat), between(smooth, soft)];
  if (pixelsOf(light) <= leastPixels || pixelsOf(dense) <= leastPixels) return null;
  return median(masked(slice.values, dense)) - median(masked(slice.values, light));
}

/** Contrast between the two classes of the foreground, in the slice's unit; null for a foreground of fewer than 200 pixels. */
export function mrContrast(slice: Slice, foreground: Uint8Array): number | null {
  const sample = masked(slice.values, foreground);
  if (sample.length <= leastPixels) return null;
  const [dark, bright] = twoClasses(sample);
  return bright - dark;
}

/** Signal over noise, dB; a signal or noise that is not positive has none. */
export function signalToNoise(signal: number, sigma: number): number | null {
  const ratio = signal / sigma;
  return ratio > 0 && Number.isFinite(ratio) ? 20 * Math.log10(ratio) : null;
}

/** Entropy of the values in the mask, clipped to `low..high`, in 256 bins; bit. */
export function entropy({ values }: Slice, mask: Uint8Array, low: number, high: number): number {
  const counts = new Float64Array(256);
  let all = 0;
  for (let i = 0; i < values.length; i++) {
    if (mask[i] === 0) continue;
    const clipped = Math.min(high, Math.max(low, values[i]!));
    counts[Math.min(255, Math.floor(((clipped - low) / (high - low)) * 256))]! += 1;
    all++;
  }
  let sum = 0;
  for (const count of counts) if (count > 0) sum -= (count / all) * Math.log2(count / all);
  return sum;
}
