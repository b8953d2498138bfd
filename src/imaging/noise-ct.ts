/** Noise of CT slices. CT noise is correlated, so no high-pass estimator is right: local deviations over soft tissue are. */
import { enlarge } from './enlarge.js';
import { filterRows, gaussian, gaussianKernel } from './gaussian.js';
import { regionsOf } from './regions.js';
import { difference } from './slice.js';
import type { Slice } from './slice.js';
import { masked, median, quantile } from './statistics.js';

const window = 9;
const histogramBins = 80;

/** Deviations in the 9x9 windows that lie wholly inside slice and mask, every third one in reading order. */
function localDeviations({ rows, columns, values }: Slice, mask: Uint8Array): Float32Array {
  const half = (window - 1) / 2;
  const area = window * window;
  const sums = new Float64Array(columns);
  const squares = new Float64Array(columns);
  const counts = new Int32Array(columns);
  const out = new Float32Array(Math.ceil((rows * columns) / 3) + 1);
  let seen = 0;
  let length = 0;
  for (let r = 0; r < rows; r++) {
    const enter = r * columns;
    const leave = (r - window) * columns;
    for (let c = 0; c < columns; c++) {
      const value = values[enter + c]!;
      sums[c]! += value;
      squares[c]! += value * value;
      counts[c]! += mask[enter + c]!;
    }
    if (r >= window) {
      for (let c = 0; c < columns; c++) {
        const value = values[leave + c]!;
        sums[c]! -= value;
        squares[c]! -= value * value;
        counts[c]! -= mask[leave + c]!;
      }
    }
    if (r < window - 1) continue;
    let [sum, square, count] = [0, 0, 0];
    for (let c = 0; c < window - 1; c++) {
      sum += sums[c]!;
      square += squares[c]!;
      count += counts[c]!;
    }
    for (let c = half; c < columns - half; c++) {
      sum += sums[c + half]!;
      square += squares[c + half]!;
      count += counts[c + half]!;
      if (count === area && seen++ % 3 === 0) {
        const mean = sum / area;
        out[length++] = Math.sqrt(Math.max(square / area - mean * mean, 0));
      }
      sum -= sums[c - half]!;
      square -= squares[c - half]!;
      count -= counts[c - half]!;
    }
  }
  return out.subarray(0, length);
}

/**
 * Noise level of a slice: mode of the local deviations over the mask (histogram of 80 bins up to the 90th percentile,
 * smoothed by 2 bins, the peak found between the bins).
 *
 * @returns the slice's unit; NaN where fewer than 200 windows fit
 */
export function sigmaOfMode(slice: Slice, mask: Uint8Array): number {
  return modeOf(localDeviations(slice, mask));
}

function modeOf(deviations: Float32Array): number {
  if (deviations.length < 200) return Number.NaN;
  const top = quantile(deviations, 0.9);
  if (!(top > 0)) return 0;
  const counts = new Float32Array(histogramBins);
  for (let i = 0; i < deviations.length; i++) {
    const value = deviations[i]!;
    if (value <= top) counts[Math.min(histogramBins - 1, Math.floor((value / top) * histogramBins))]! += 1;
  }
  const histogram = filterRows({ rows: 1, columns: histogramBins, values: counts }, gaussianKernel(2), 'even', 1);
  let peak = 0;
  for (let i = 1; i < histogramBins; i++) if (histogram[i]! > histogram[peak]!) peak = i;
  const [before, at, after] = [histogram[peak - 1] ?? 0, histogram[peak] ?? 0, histogram[peak + 1] ?? 0];
  const curvature = before - 2 * at + after;
  const offset = peak > 0 && peak < histogramBins - 1 && curvature < 0 ? (0.5 * (before - after)) / curvature : 0;
  return ((peak + 0.5 + offset) * top) / histogramBins;
}

/** Windows of a slice whose noise is compared before and after. */
export interface NoiseWindows {
  /** For each window of the mask, in the order of `localDeviations`: whether it is compared. */
  readonly chosen: Uint8Array;
  /** Middle of the chosen windows' deviations, the slice's unit. */
  readonly deviation: number;
}

/** Windows of so many times the mode have the noise of the slice and the least anatomy. */
const alike = { from: 0.6, to: 1 };

/**
 * The windows that show the noise of a slice: after enhancement the same ones must be looked at. (The mode of the result has windows of its
 * own: where half of a slice is twice as noisy it jumps from one half to the other, and where there is detail it finds the few windows without.)
 *
 * @param sigma of the slice, by `sigmaOfMode`
 * @returns null where no window is alike
 */
export function noiseWindows(slice: Slice, mask: Uint8Array, sigma: number): NoiseWindows | null {
  const deviations = localDeviations(slice, mask);
  const chosen = new Uint8Array(deviations.length);
  for (let i = 0; i < chosen.length; i++) {
    if (deviations[i]! >= alike.from * sigma && deviations[i]! <= alike.to * sigma) chosen[i] = 1;
  }
  const deviation = deviationIn(deviations, chosen);
  return deviation > 0 ? { chosen, deviation } : null;
}

const deviationIn = (deviations: Float32Array, chosen: Uint8Array): number => median(masked(deviations, chosen));

/** Middle deviation of a slice in windows chosen before; same mask. */
export function sigmaInWindows(slice: Slice, mask: Uint8Array, { chosen }: NoiseWindows): number {
  return deviationIn(localDeviations(slice, mask), chosen);
}

const block = 12;
const step = block / 2;
/** Lower quartile of 12x12 plane-corrected deviations to sigma, for soft to standard kernels. */
const quartileBias = 1.16;

/** Deviations of 12x12 blocks, every 6 pixels, after a plane is taken away; NaN where less than `need` of the block is in the mask. */
interface BlockDeviations {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

/** Sums over the 6x6 quarters, of which each block has 2x2; x and y are centred on the quarter. */
function blockDeviations(slice: Slice, mask: Uint8Array, need: number): BlockDeviations {
  const rows = Math.floor(slice.rows / step);
  const columns = Math.floor(slice.columns / step);
  const quarters = new Float64Array(rows * columns * 5);
  const centre = (step - 1) / 2;
  for (let r = 0; r < rows * step; r++) {
    const line = Math.floor(r / step) * columns;
    const y = (r % step) - centre;
    for (let q = 0; q < columns; q++) {
      let [sum, square, along, count] = [0, 0, 0, 0];
      let at = r * slice.columns + q * step;
      for (let i = 0; i < step; i++, at++) {
        const value = slice.values[at]!;
        sum += value;
        square += value * value;
        along += value * (i - centre);
        count += mask[at]!;
      }
      const to = (line + q) * 5;
      quarters[to]! += sum;
      quarters[to + 1]! += square;
      quarters[to + 2]! += along;
      quarters[to + 3]! += sum * y;
      quarters[to + 4]! += count;
    }
  }
  const n = block * block;
  const spread = (block * block * (block * block - 1)) / 12; // sum of the squares of x over the block
  const values = new Float32Array(Math.max(0, rows - 1) * Math.max(0, columns - 1)).fill(Number.NaN);
  for (let r = 0; r + 1 < rows; r++) {
    for (let c = 0; c + 1 < columns; c++) {
      let [sum, square, x, y, count] = [0, 0, 0, 0, 0];
      for (let i = 0; i < 4; i++) {
        const at = ((r + (i >> 1)) * columns + c + (i & 1)) * 5;
        const part = quarters[at]!;
        sum += part;
        square += quarters[at + 1]!;
        x += quarters[at + 2]! + part * ((i & 1) * step - step / 2);
        y += quarters[at + 3]! + part * ((i >> 1) * step - step / 2);
        count += quarters[at + 4]!;
      }
      if (count < need * n) continue;
      const rest = square - (sum * sum) / n - (x * x + y * y) / spread;
      values[r * (columns - 1) + c] = Math.sqrt(Math.max(rest, 0) / (n - 3));
    }
  }
  return { rows: Math.max(0, rows - 1), columns: Math.max(0, columns - 1), values };
}

const finite = (values: Float32Array): Float32Array => values.filter((value) => Number.isFinite(value));

/** Noise level by blocks: lower quartile of block deviations, corrected for the bias of the quartile; NaN below 12 blocks. */
export function sigmaOfBlocks(slice: Slice, mask: Uint8Array): number {
  for (const need of [0.98, 0.85]) {
    const values = finite(blockDeviations(slice, mask, need).values);
    if (values.length >= 12) return quantile(values, 0.25) * quartileBias;
  }
  return Number.NaN;
}

/** Each tile is told from a window twice its size. */
const tile = 32;
/** What a Gaussian of this many pixels takes away is nearly all noise, save at edges. */
const fineness = 1;
/** Lowest tenth over the blocks of (deviation over that of what is fine), to sigma over the tiles' lower quartile of fine. */
const ratioBias = 1.2;
/** Limits of the map, in its middle tile's level: starved rays between the shoulders have five times the noise of the rest. */
const limits = { least: 0.4, most: 6 };
/** Weight of the middle level where tiles are smoothed: it rules where there is no tissue near. */
const prior = 0.05;

/** More noise than this many times the middle is no anatomy: there the upper blocks tell how much it is at its worst. */
const starved = 2.5;

/** Upper over lower quartile of the blocks' deviations where the noise is even. */
const spread = 1.2;

/** Lower and upper quartile of the blocks in the window around a tile; none below 12 blocks. */
function tileQuartiles(
  blocks: BlockDeviations,
  shape: Slice,
  top: number,
  left: number,
): readonly [number, number] | null {
  const [r0, c0] = [Math.max(0, top - tile / 2), Math.max(0, left - tile / 2)];
  const [r1, c1] = [Math.min(shape.rows, top + 1.5 * tile), Math.min(shape.columns, left + 1.5 * tile)];
  const found: number[] = [];
  for (let r = Math.ceil(r0 / step); r * step + block <= r1 && r < blocks.rows; r++) {
    for (let c = Math.ceil(c0 / step); c * step + block <= c1 && c < blocks.columns; c++) {
      const value = blocks.values[r * blocks.columns + c]!;
      if (Number.isFinite(value)) found.push(value);
    }
  }
  const values = Float32Array.from(found);
  return found.length >= 12 ? [quantile(values, 0.25), quantile(values, 0.75)] : null;
}

/**
 * Where starved rays cross a good part of the tissue: a region is what lies above the one multiple of the slice's level, and counts by its
 * largest part that lies above the other. Starved rays leave 60 HU and more; what is above a quiet slice's noise and below so many HU is
 * dense anatomy.
 */
const loud = { region: 1.5, from: 2.25, leastHu: 30 };

/**
 * How far a region of loud noise counts, 0..1: not where it has less of the tissue than `from`, wholly from `to` on. Line pairs, folds of
 * bowel and the base of a skull look loud too, but have at most 7 % of it; starved rays go through 18 to 60 %.
 */
const extent = { from: 0.1, to: 0.18 };

/** @param share of the tissue */
export const extentWeight = (share: number): number =>
  Math.min(1, Math.max(0, (share - extent.from) / (extent.to - extent.from)));

/** Middle deviation of each 3x3 blocks that touch; 0 where fewer than four of them are in the tissue. */
function middleAround({ rows, columns, values }: BlockDeviations): Float32Array {
  const out = new Float32Array(values.length);
  const sorted = new Float32Array(9);
  for (let r = 0, at = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++, at++) {
      let count = 0;
      for (let y = Math.max(0, r - 1); y <= Math.min(rows - 1, r + 1); y++) {
        for (let x = Math.max(0, c - 1); x <= Math.min(columns - 1, c + 1); x++) {
          const value = values[y * columns + x]!;
          if (!Number.isFinite(value)) continue;
          let place = count++;
          for (; place > 0 && sorted[place - 1]! > value; place--) sorted[place] = sorted[place - 1]!;
          sorted[place] = value;
        }
      }
      if (count >= 4) out[at] = (sorted[(count - 1) >> 1]! + sorted[count >> 1]!) / 2;
    }
  }
  return out;
}

/** A grid of blocks' values as its pixels have them: bilinear between their centres, beyond the outer ones the nearest. */
function betweenBlocks(grid: Slice, rows: number, columns: number, use: (value: number, at: number) => void): void {
  const place = (i: number, count: number): number => Math.min(count - 1, Math.max(0, (i - (block - 1) / 2) / step));
  for (let r = 0, to = 0; r < rows; r++) {
    const y = place(r, grid.rows);
    const [top, down] = [Math.floor(y), y - Math.floor(y)];
    const [upper, lower] = [top * grid.columns, Math.min(top + 1, grid.rows - 1) * grid.columns];
    for (let c = 0; c < columns; c++, to++) {
      const x = place(c, grid.columns);
      const [left, across] = [Math.floor(x), x - Math.floor(x)];
      const right = Math.min(left + 1, grid.columns - 1);
      const above = grid.values[upper + left]! * (1 - across) + grid.values[upper + right]! * across;
      const below = grid.values[lower + left]! * (1 - across) + grid.values[lower + right]! * across;
      use(above * (1 - down) + below * down, to);
    }
  }
}

/**
 * Raises a map where rays are starved: there noise differs within a tile, and the middle deviation of 3x3 blocks tells it. Smaller loud
 * places may be structure, and stay as they are.
 *
 * @param blocks of what is fine, in sigmas of the whole; the map is changed in place
 */
function raiseStarved(map: Slice, blocks: BlockDeviations, sigma: number): void {
  if (!(sigma > 0)) return;
  const { rows, columns } = blocks;
  const local = middleAround(blocks);
  const tissue = local.reduce((count, value) => count + (value > 0 ? 1 : 0), 0);
  const above = (times: number): number => Math.max(times * sigma, loud.leastHu);
  const cores = new Int32Array(local.length);
  for (const core of regionsOf(rows, columns, (cell) => local[cell]! > above(loud.from)))
    for (const cell of core) cores[cell] = core.length;
  const weights = new Float32Array(local.length);
  for (const region of regionsOf(rows, columns, (cell) => local[cell]! > above(loud.region))) {
    const largest = region.reduce((most, cell) => Math.max(most, cores[cell]!), 0);
    for (const cell of region) weights[cell] = extentWeight(largest / tissue);
  }
  if (!weights.some((weight) => weight > 0)) return;
  const weight = new Float32Array(map.values.length);
  betweenBlocks({ rows, columns, values: weights }, map.rows, map.columns, (value, at) => (weight[at] = value));
  betweenBlocks({ rows, columns, values: local }, map.rows, map.columns, (value, at) => {
    map.values[at]! += weight[at]! * Math.max(0, value - map.values[at]!);
  });
}

/** Sigma over the deviation of what is fine, from the blocks with the least anatomy; NaN below 12 blocks. */
function sigmaOverFine(whole: BlockDeviations, fine: BlockDeviations): number {
  const ratios = whole.values.map((value, i) => (fine.values[i]! > 0 ? value / fine.values[i]! : Number.NaN));
  const known = finite(ratios);
  return known.length >= 12 ? ratioBias * quantile(known, 0.1) : Number.NaN;
}

/**
 * Smooth map of the noise. Anatomy is told from noise by what is fine (the slice less itself smoothed by a pixel), of which it
 * has little: per 32-pixel tile the lower quartile of its block deviations (of what is fine too, edges have some), times their ratio
 * to the whole deviation in the blocks with the least anatomy. Where rays are starved, the upper quartile. Limited to 0.4..6 times the middle tile, smoothed, bilinear between the tiles.
 * Where starved rays cross a good part of the tissue, it follows the noise within the tiles too.
 *
 * @param sigma noise level of the slice, in its unit: taken everywhere where there is too little tissue for a map
 */
export function noiseMap(slice: Slice, mask: Uint8Array, sigma: number): Float32Array {
  const { rows, columns, values } = slice;
  const smooth = gaussian(slice, fineness, 3);
  const fine = { rows, columns, values: difference(values, smooth) };
  const blocks = blockDeviations(fine, mask, 0.98);
  const scale = sigmaOverFine(blockDeviations(slice, mask, 0.98), blocks);
  const [down, across] = [Math.ceil(rows / tile), Math.ceil(columns / tile)];
  const quartiles = Array.from({ length: down * across }, (_, i) =>
    tileQuartiles(blocks, slice, Math.floor(i / across) * tile, (i % across) * tile),
  );
  const known = quartiles.flatMap((found) => (found && Number.isFinite(scale) ? scale * found[0] : []));
  if (known.length === 0) return new Float32Array(values.length).fill(sigma);
  const middle = quantile(Float32Array.from(known), 0.5);
  const levels = Float32Array.from(quartiles, (found) => {
    if (found === null) return Number.NaN;
    const [low, high] = [scale * found[0], (scale * found[1]) / spread];
    return high > starved * middle ? high : low;
  });
  const smoothed = (of: (level: number) => number): Float32Array =>
    gaussian({ rows: down, columns: across, values: levels.map((v) => (Number.isFinite(v) ? of(v) : 0)) }, 0.5);
  const sums = smoothed((level) => Math.min(limits.most * middle, Math.max(limits.least * middle, level)));
  const weights = smoothed(() => 1);
  const coarse = sums.map((sum, i) => (sum + prior * middle) / (weights[i]! + prior));
  const map = enlarge({ rows: down, columns: across, values: coarse }, rows, columns);
  const scaled = blocks.values.map((value) => value * scale);
  raiseStarved({ rows, columns, values: map }, { ...blocks, values: scaled }, sigma);
  return map;
}
