// Between stored values and output units (HU for CT), and what padding means there (PS3.3 C.11.1, C.7.5.1.1.2; conformance 3.3).
import { LimpidError } from '../errors.js';
import type { PixelDescription } from './pixel-description.js';

type Scale = Pick<PixelDescription, 'slope' | 'intercept'>;
type Range = Pick<PixelDescription, 'bitsStored' | 'signed' | 'padding'>;

/** Output values, slope x stored + intercept, in the order of the pixels. */
export function toModality(stored: Int32Array, { slope, intercept }: Scale): Float32Array {
  const out = new Float32Array(stored.length);
  for (let index = 0; index < stored.length; index++) out[index] = (stored[index] ?? 0) * slope + intercept;
  return out;
}

/** Smallest and largest stored value. */
export interface StoredRange {
  readonly low: number;
  readonly high: number;
}

/** Smallest and largest value that Bits Stored can hold. */
export function storedRange({ bitsStored, signed }: Pick<Range, 'bitsStored' | 'signed'>): StoredRange {
  return signed
    ? { low: -(2 ** (bitsStored - 1)), high: 2 ** (bitsStored - 1) - 1 }
    : { low: 0, high: 2 ** bitsStored - 1 };
}

/**
 * Stored values of output values: rounded half away from zero, clamped. `source` are the stored values of the image that was enhanced:
 * padding there keeps its value, and no other pixel comes to lie in the padding range.
 *
 * @param range within Bits Stored, where an image may not hold all of them
 */
export function toStored(
  values: Float32Array,
  source: Int32Array,
  description: Scale & Range,
  { low, high }: StoredRange = storedRange(description),
): Int32Array {
  const { slope, intercept, padding } = description;
  const out = new Int32Array(values.length);
  for (let index = 0; index < values.length; index++) {
    const exact = ((values[index] ?? 0) - intercept) / slope;
    const rounded = exact < 0 ? -Math.floor(0.5 - exact) : Math.floor(exact + 0.5);
    if (!Number.isFinite(exact)) throw new LimpidError('DERIVE_CHECK_FAILED', `pixel ${index} is no finite number`);
    out[index] = Math.min(high, Math.max(low, rounded));
  }
  if (padding !== null) keepPadding(out, source, padding, low, high);
  return out;
}

/**
 * The largest change of a pixel before rounding, in stored values; padding does not count.
 *
 * @param within 1 where pixels may change; null: everywhere
 */
export function largestChange(
  values: Float32Array,
  source: Int32Array,
  { slope, intercept, padding }: Scale & Range,
  within: Uint8Array | null,
): number {
  // Without padding: a range that no value lies in.
  const { low, high } = padding ?? { low: 1, high: 0 };
  let largest = 0;
  for (let index = 0; index < values.length; index++) {
    const stored = source[index] ?? 0;
    if ((stored >= low && stored <= high) || within?.[index] === 0) continue;
    largest = Math.max(largest, Math.abs(((values[index] ?? 0) - intercept) / slope - stored));
  }
  return largest;
}

function keepPadding(
  out: Int32Array,
  source: Int32Array,
  padding: { low: number; high: number },
  low: number,
  high: number,
): void {
  const below = padding.low - 1;
  const above = padding.high + 1;
  const middle = (padding.low + padding.high) / 2;
  for (let index = 0; index < out.length; index++) {
    const original = source[index] ?? 0;
    if (original >= padding.low && original <= padding.high) {
      out[index] = original;
      continue;
    }
    const value = out[index] ?? 0;
    if (value < padding.low || value > padding.high) continue;
    const upwards = below < low || (above <= high && value >= middle);
    out[index] = upwards ? above : below;
  }
}

/** 1 where a pixel is padding; null where the image declares none. */
export function paddingMask(stored: Int32Array, { padding }: Pick<Range, 'padding'>): Uint8Array | null {
  if (padding === null) return null;
  const mask = new Uint8Array(stored.length);
  for (let index = 0; index < stored.length; index++) {
    const value = stored[index] ?? 0;
    if (value >= padding.low && value <= padding.high) mask[index] = 1;
  }
  return mask;
}
