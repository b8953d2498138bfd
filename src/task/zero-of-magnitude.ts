/**
 * Where MR has no signal: at 0 of the modality's values, slope x stored + intercept (PS3.3 C.11.1). Noise, body and strength are told by
 * their distance from it.
 */
import type { PixelDescription } from '../dicom/pixel-description.js';
import { paddingMask, storedRange, toModality } from '../dicom/rescale.js';
import type { StoredRange } from '../dicom/rescale.js';
import type { Reason } from '../errors.js';
import { quantile } from '../imaging/statistics.js';

/** Of the brightest values: nearer than this 0 moves no mask, and no noise by more than a few percent. */
const farFromZero = 0.05;
/** Share of pixels, those of artefacts aside, that a range is told by. */
const fewest = 0.01;

/**
 * Why an image whose rescale moves 0 is no magnitude; null where it may be one. Seen: field maps in Hz (-500), real parts (-4096), whose
 * Image Type need not tell them.
 */
export function zeroFault(stored: Int32Array, description: PixelDescription): Reason | null {
  const { slope, intercept } = description;
  if (slope > 0 && intercept === 0) return null;
  const padding = paddingMask(stored, description);
  const values = toModality(padding === null ? stored : stored.filter((_, i) => padding[i] === 0), description);
  if (values.length === 0) return null;
  const [lowest, top] = [quantile(values, fewest), quantile(values, 0.995)];
  const rescale = `slope ${slope} and intercept ${intercept}`;
  if (top <= 0 || lowest < -farFromZero * top)
    return { code: 'NOT_MAGNITUDE', detail: `values far below 0 by ${rescale}` };
  const range = storedRange(description);
  const least = Math.min(...[range.low, range.high].map((end) => end * slope + intercept));
  return least > farFromZero * top ? { code: 'NOT_MAGNITUDE', detail: `no value near 0 by ${rescale}` } : null;
}

/**
 * Stored values that are no negative magnitude, where the source has none that is: files of unsigned values without an intercept keep to
 * that by themselves.
 */
export function rangeOfMagnitude(stored: Int32Array, description: PixelDescription): StoredRange {
  const { slope, intercept } = description;
  const range = storedRange(description);
  // Within what a decimal string rounds.
  const zero = -intercept / slope;
  const magnitudes =
    slope > 0
      ? { ...range, low: Math.max(range.low, Math.ceil(zero - 1e-6)) }
      : { ...range, high: Math.min(range.high, Math.floor(zero + 1e-6)) };
  const padding = paddingMask(stored, description);
  const isNegative = stored.some(
    (value, i) => (value < magnitudes.low || value > magnitudes.high) && padding?.[i] !== 1,
  );
  return isNegative ? range : magnitudes;
}
