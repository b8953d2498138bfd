/** How near a slice is to a reference of the same anatomy: figures with a stated protocol. */
import { ssim } from '../imaging/figures.js';
import { bodyMask } from '../imaging/masks.js';
import type { Slice } from '../imaging/slice.js';
import { quantile } from '../imaging/statistics.js';

export type Modality = 'CT' | 'MR';

/** In words, for reports: what the numbers below mean. */
export const protocol = [
  'CT: values clipped to -160..240 HU (data range 400). MR: to 0..99.5th percentile of the reference. MAE: of values as they are, in HU or counts.',
  'PSNR, MAE: over the body of the reference (above a tenth of its 99th percentile after smoothing by 2 pixels, for CT counted from -1000 HU; holes filled, 2 pixels of its border taken off); slices without one are left out. Equal slices have no PSNR: its mean is that of the others.',
  'SSIM: Gaussian window of 1.5 pixels, K1 0.01, K2 0.03, over the rectangle around the body; slices of 10 rows or columns and less have none.',
  'Dice: overlap of the pixels above a threshold in both (CT 100 HU: bone and contrast agent; MR: half of the window), body only.',
].join('\n');

export interface PairFigures {
  /** dB; null where the two are equal within the window. */
  readonly psnr: number | null;
  /** Null where the slice is smaller than the window. */
  readonly ssim: number | null;
  /** Mean absolute error, HU or counts. */
  readonly mae: number;
  /** Dice's coefficient; null where the reference has fewer than 50 pixels above the threshold. */
  readonly dice: number | null;
}

export interface Range {
  readonly low: number;
  readonly high: number;
}

export interface Protocol {
  readonly range: Range;
  readonly threshold: number;
  readonly body: Uint8Array;
}

const leastSegment = 50;

/** What stays the same for every slice that is compared with `reference`. */
export function protocolFor(modality: Modality, reference: Slice, threshold?: number): Protocol {
  if (modality === 'CT') {
    const lifted = { ...reference, values: reference.values.map((value) => value + 1000) };
    return { range: { low: -160, high: 240 }, threshold: threshold ?? 100, body: bodyMask(lifted) };
  }
  const high = Math.max(quantile(reference.values, 0.995), 1e-6);
  return { range: { low: 0, high }, threshold: threshold ?? high / 2, body: bodyMask(reference) };
}

/** The rectangle around a mask's pixels; the whole where it has none. */
function around(mask: Uint8Array, rows: number, columns: number): readonly [number, number, number, number] {
  let [top, bottom, left, right] = [rows, -1, columns, -1];
  for (let r = 0, at = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++, at++) {
      if (mask[at] === 0) continue;
      top = Math.min(top, r);
      bottom = r;
      left = Math.min(left, c);
      right = Math.max(right, c);
    }
  }
  // SSIM leaves out 5 pixels at each side.
  return bottom - top < 16 || right - left < 16 ? [0, rows, 0, columns] : [top, bottom + 1, left, right + 1];
}

function cut({ columns, values }: Slice, [top, bottom, left, right]: readonly [number, number, number, number]): Slice {
  const width = right - left;
  const out = new Float32Array((bottom - top) * width);
  for (let r = top; r < bottom; r++)
    out.set(values.subarray(r * columns + left, r * columns + right), (r - top) * width);
  return { rows: bottom - top, columns: width, values: out };
}

/** @throws RangeError for slices of different sizes */
export function pairFigures(test: Slice, reference: Slice, { range, threshold, body }: Protocol): PairFigures {
  if (test.rows !== reference.rows || test.columns !== reference.columns) {
    throw new RangeError(`${test.rows}x${test.columns} against ${reference.rows}x${reference.columns}`);
  }
  const { low, high } = range;
  const clipped = (value: number): number => Math.min(high, Math.max(low, value));
  let [squares, errors, count, both, one, other] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < body.length; i++) {
    if (body[i] === 0) continue;
    const [a, b] = [test.values[i] ?? 0, reference.values[i] ?? 0];
    squares += (clipped(a) - clipped(b)) ** 2;
    errors += Math.abs(a - b);
    count++;
    const [above, wanted] = [a > threshold, b > threshold];
    if (above) one++;
    if (wanted) other++;
    if (above && wanted) both++;
  }
  const box = around(body, test.rows, test.columns);
  const similarity = ssim(cut(test, box), cut(reference, box), low, high);
  return {
    psnr: squares === 0 ? null : 10 * Math.log10(((high - low) ** 2 * count) / squares),
    ssim: Number.isNaN(similarity) ? null : similarity,
    mae: errors / Math.max(count, 1),
    dice: other < leastSegment ? null : (2 * both) / (one + other),
  };
}

/** Means over slices; PSNR, SSIM and Dice over those that have it. */
export function meanFigures(all: readonly PairFigures[]): PairFigures {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const known = (values: readonly (number | null)[]): number | null => {
    const some = values.filter((value) => value !== null);
    return some.length > 0 ? mean(some) : null;
  };
  return {
    psnr: known(all.map((one) => one.psnr)),
    ssim: known(all.map((one) => one.ssim)),
    mae: mean(all.map((one) => one.mae)),
    dice: known(all.map((one) => one.dice)),
  };
}
