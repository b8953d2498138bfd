/**
 * Noise of MR magnitude slices. Local deviations read anatomy as noise here, so it is taken from the air, or from second
 * differences after the image is cut back to the part of k-space that was acquired.
 */
import { transformPlane } from './fourier.js';
import type { Plane } from './fourier.js';
import { enlarge } from './enlarge.js';
import { gaussian, gradientAt, reflected } from './gaussian.js';
import { awayFrom, pixelsOf } from './masks.js';
import type { Slice } from './slice.js';
import { masked, meanAndDeviation, median, quantile, robustDeviation } from './statistics.js';

export interface MrNoise {
  /** Standard deviation of the noise, in the slice's unit; 0 where nothing could be found. */
  readonly sigma: number;
  readonly method: 'background' | 'k-space' | 'none';
  /** False where air is masked and the image is strongly interpolated or coarse, or no tissue is there: the number is a guess then. */
  readonly measurable: boolean;
  /** Spacing (rows, columns) of the second differences that compare noise before and after. */
  readonly spacing: readonly [number, number];
}

/** Below this share of an axis in k-space the image counts as strongly interpolated. */
const leastSupport = 0.75;
const leastTissue = 300;
/**
 * Below this many rows or columns anatomy is as fine as noise, and second differences read it as noise: 44 permille of a series of 64 x 64 whose
 * repeats differ by 5. The air tells the noise of any grid.
 */
const leastSide = 112;

/** Immerkaer's 3x3 second difference at each pixel of the mask, 0 elsewhere; `spacing` sets its arms further apart. */
function secondDifferences(slice: Slice, mask: Uint8Array, spacing: readonly [number, number]): Float32Array {
  const { rows, columns, values } = slice;
  const [dr, dc] = spacing;
  const out = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) {
    const up = reflected(r - dr, rows) * columns;
    const here = r * columns;
    const down = reflected(r + dr, rows) * columns;
    for (let c = 0; c < columns; c++) {
      if (mask[here + c] === 0) continue;
      const left = c >= dc ? c - dc : reflected(c - dc, columns);
      const right = c + dc < columns ? c + dc : reflected(c + dc, columns);
      out[here + c] =
        values[up + left]! +
        values[up + right]! +
        values[down + left]! +
        values[down + right]! +
        4 * values[here + c]! -
        2 * (values[up + c]! + values[down + c]! + values[here + left]! + values[here + right]!);
    }
  }
  return out;
}

/**
 * Deviation of white noise that explains the second differences over the mask (Immerkaer's 3x3 operator, MAD / 6);
 * `spacing` sets its arms further apart, for interpolated images.
 */
export function sigmaOfLaplacian(slice: Slice, mask: Uint8Array, spacing: readonly [number, number] = [1, 1]): number {
  const found = masked(secondDifferences(slice, mask, spacing), mask);
  return found.length > 0 ? robustDeviation(found) / 6 : Number.NaN;
}

/** The share of the mask where the slice, smoothed by 1.5 pixels, is flattest: there second differences are mostly noise. */
export function flatTissue(slice: Slice, mask: Uint8Array, share = 0.5): Uint8Array {
  const gradient = gradientAt(slice, 1.5, 1);
  const threshold = quantile(masked(gradient, mask), share);
  const out = new Uint8Array(mask.length);
  for (let i = 0; i < out.length; i++) out[i] = mask[i]! !== 0 && gradient[i]! <= threshold ? 1 : 0;
  return out;
}

/** k-space of a slice, zero frequency at (rows >> 1, columns >> 1). */
function kSpace(slice: Slice): Plane {
  const { rows, columns } = slice;
  const plane = { rows, columns, re: Float64Array.from(slice.values), im: new Float64Array(rows * columns) };
  transformPlane(plane, 'forward');
  return shift(plane, rows >> 1, columns >> 1);
}

/** Rolls a plane by (down, right). */
function shift({ rows, columns, re, im }: Plane, down: number, right: number): Plane {
  const out = { rows, columns, re: new Float64Array(re.length), im: new Float64Array(im.length) };
  for (let r = 0, at = 0; r < rows; r++) {
    const line = ((r + down) % rows) * columns;
    for (let c = 0; c < columns; c++, at++) {
      const to = line + ((c + right) % columns);
      out.re[to] = re[at]!;
      out.im[to] = im[at]!;
    }
  }
  return out;
}

/** Share (0..1) of the rows' axis that was acquired: where the power along it falls by more than a factor of 4. */
function supportOfRows({ rows, columns, re, im }: Plane): number {
  const band: number[] = [];
  for (let c = Math.floor((5 * columns) / 16); c < Math.floor((7 * columns) / 16); c++) band.push(c);
  for (let c = Math.floor((9 * columns) / 16); c < Math.floor((11 * columns) / 16); c++) band.push(c);
  const line = new Float32Array(band.length);
  const power = Float64Array.from({ length: rows }, (_, r) => {
    for (let i = 0; i < band.length; i++) {
      const at = r * columns + band[i]!;
      line[i] = re[at]! ** 2 + im[at]! ** 2;
    }
    return Math.log(median(line) + 1e-12);
  });
  const middle = rows >> 1;
  const folded = Float64Array.from({ length: rows - middle }, (_, i) => {
    const mirror = rows % 2 === 1 ? middle - i : middle - 1 - i;
    return ((power[middle + i] ?? 0) + (power[Math.max(0, mirror)] ?? 0)) / 2;
  });
  const n = folded.length;
  const smooth = folded.map((_, i) => {
    return ((folded[reflected(i - 1, n)] ?? 0) + (folded[i] ?? 0) + (folded[reflected(i + 1, n)] ?? 0)) / 3;
  });
  const meanOf = (from: number, to: number): number => {
    const part = smooth.subarray(Math.max(0, from), Math.min(n, to));
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  };
  let fall = 0;
  let support = 1;
  for (let k = Math.floor(n / 4); k < n - 3; k++) {
    const drop = meanOf(k - 4, k) - meanOf(k + 2, k + 6);
    if (drop > fall) {
      fall = drop;
      support = (k + 1) / n;
    }
  }
  return fall > Math.log(4) ? support : 1;
}

function transposed({ rows, columns, re, im }: Plane): Plane {
  const out = { rows: columns, columns: rows, re: new Float64Array(re.length), im: new Float64Array(im.length) };
  for (let r = 0, at = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++, at++) {
      out.re[c * rows + r] = re[at]!;
      out.im[c * rows + r] = im[at]!;
    }
  }
  return out;
}

/** The part of the mask that lies on a coarser grid: bilinear, corners aligned, above 0.9. */
function reducedMask(mask: Uint8Array, rows: number, columns: number, toRows: number, toColumns: number): Uint8Array {
  const out = new Uint8Array(toRows * toColumns);
  for (let r = 0, to = 0; r < toRows; r++) {
    const y = (r * (rows - 1)) / (toRows - 1);
    const top = Math.min(Math.floor(y), rows - 2);
    for (let c = 0; c < toColumns; c++, to++) {
      const x = (c * (columns - 1)) / (toColumns - 1);
      const left = Math.min(Math.floor(x), columns - 2);
      const at = top * columns + left;
      const [v, u] = [y - top, x - left];
      const value =
        (1 - v) * ((1 - u) * mask[at]! + u * mask[at + 1]!) +
        v * ((1 - u) * mask[at + columns]! + u * mask[at + columns + 1]!);
      out[to] = value > 0.9 ? 1 : 0;
    }
  }
  return out;
}

/** Noise by second differences of the image cut back to its acquired k-space, where noise is nearly white. */
export function sigmaOfKSpace(slice: Slice, mask: Uint8Array): { sigma: number; support: readonly [number, number] } {
  const { rows, columns } = slice;
  const space = kSpace(slice);
  const support = [supportOfRows(space), supportOfRows(transposed(space))] as const;
  const h = Math.round((rows * support[0]) / 2) * 2;
  const w = Math.round((columns * support[1]) / 2) * 2;
  if (h < rows || w < columns) {
    const smallMask = reducedMask(mask, rows, columns, h, w);
    if (pixelsOf(smallMask) > leastTissue) {
      const [top, left] = [(rows - h) >> 1, (columns - w) >> 1];
      const cut = { rows: h, columns: w, re: new Float64Array(h * w), im: new Float64Array(h * w) };
      for (let r = 0; r < h; r++) {
        const from = (r + top) * columns + left;
        cut.re.set(space.re.subarray(from, from + w), r * w);
        cut.im.set(space.im.subarray(from, from + w), r * w);
      }
      const back = shift(cut, h - (h >> 1), w - (w >> 1));
      transformPlane(back, 'inverse');
      const scale = (h * w) / (rows * columns);
      const small = { rows: h, columns: w, values: Float32Array.from(back.re, (value) => value * scale) };
      return { sigma: sigmaOfLaplacian(small, smallMask), support };
    }
  }
  return { sigma: sigmaOfLaplacian(slice, mask), support };
}

/**
 * Noise of one slice: from the air around the object if it is there and Rayleigh-like (mean / deviation 1.5 to 2.3, less
 * than 2 % zeros), else by `sigmaOfKSpace`.
 *
 * @param mask the object (`bodyMask`)
 */
export function mrNoise(slice: Slice, mask: Uint8Array): MrNoise {
  if (pixelsOf(mask) < leastTissue) return { sigma: 0, method: 'none', measurable: false, spacing: [1, 1] };
  const air = masked(slice.values, awayFrom(mask, slice.rows, slice.columns, 8));
  if (air.length > 400) {
    let zeros = 0;
    for (let i = 0; i < air.length; i++) if (air[i] === 0) zeros++;
    const { mean, deviation } = meanAndDeviation(air);
    if (zeros < 0.02 * air.length && mean > 1.5 * deviation && mean < 2.3 * deviation) {
      // An interpolated image has nothing at the finest spacing: compare before and after at twice the spacing then.
      const fine = sigmaOfLaplacian(slice, mask);
      const spacing = fine < 0.6 * sigmaOfLaplacian(slice, mask, [2, 2]) ? ([2, 2] as const) : ([1, 1] as const);
      return { sigma: median(air) / 1.1774, method: 'background', measurable: true, spacing };
    }
  }
  const { sigma, support } = sigmaOfKSpace(slice, mask);
  if (!(sigma > 0)) return { sigma: 0, method: 'none', measurable: false, spacing: [1, 1] };
  const spacing = [support[0] < leastSupport ? 2 : 1, support[1] < leastSupport ? 2 : 1] as const;
  const measurable = Math.min(...support) >= leastSupport && Math.min(slice.rows, slice.columns) >= leastSide;
  return { sigma, method: 'k-space', measurable, spacing };
}

const mapTile = 16;
/** Smoothing of the map in tiles: 30 pixels. Finer maps follow anatomy. */
const mapSmoothing = 30 / mapTile;
/** Share of the slice's own level in each tile, in tiles full of tissue. */
const mapPrior = 0.02;

/**
 * Smooth map of the noise, which parallel imaging makes uneven (g-factor): mean second difference of the flattest 80 % of the
 * tissue around each place, over that of the whole slice, times `sigma`; limited to half and twice it.
 *
 * @param sigma noise level of the slice, in its unit
 * @param spacing of the second differences, see `MrNoise`
 */
export function mrNoiseMap(
  slice: Slice,
  mask: Uint8Array,
  sigma: number,
  spacing: readonly [number, number],
): Float32Array {
  const { rows, columns } = slice;
  const flat = flatTissue(slice, mask, 0.8);
  const sizes = secondDifferences(slice, flat, spacing);
  for (let i = 0; i < sizes.length; i++) sizes[i] = Math.abs(sizes[i]!);
  const all = masked(sizes, flat);
  const highest = 4 * median(all);
  if (!(highest > 0)) return new Float32Array(rows * columns).fill(sigma);
  let total = 0;
  for (let i = 0; i < all.length; i++) total += Math.min(all[i]!, highest);
  const mean = total / all.length;
  const [down, across] = [Math.ceil(rows / mapTile), Math.ceil(columns / mapTile)];
  const sums = new Float32Array(down * across);
  const counts = new Float32Array(down * across);
  for (let r = 0, at = 0; r < rows; r++) {
    const line = Math.floor(r / mapTile) * across;
    for (let c = 0; c < columns; c++, at++) {
      if (flat[at] === 0) continue;
      const to = line + Math.floor(c / mapTile);
      sums[to]! += Math.min(sizes[at]!, highest);
      counts[to]! += 1;
    }
  }
  const around = (values: Float32Array): Float32Array =>
    gaussian({ rows: down, columns: across, values }, mapSmoothing);
  const [nearSums, nearCounts] = [around(sums), around(counts)];
  const prior = mapPrior * mapTile * mapTile;
  const coarse = nearSums.map((sum, i) => {
    const ratio = (sum + prior * mean) / ((nearCounts[i]! + prior) * mean);
    return sigma * Math.min(2, Math.max(0.5, ratio));
  });
  return enlarge({ rows: down, columns: across, values: coarse }, rows, columns);
}
