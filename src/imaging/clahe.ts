/**
 * Contrast-limited adaptive histogram equalisation (Zuiderveld, Graphics Gems IV, 1994), as scikit-image's `equalize_adapthist` counts:
 * a picture for the eye. Grey values no longer stand for anything that was measured, and noise is raised with the contrast.
 */
import type { Slice } from './slice.js';

export interface ClaheOptions {
  /** Regions along each side; each has its own equalisation, and pixels between them are interpolated. */
  readonly regions: number;
  /** Share of a region's pixels that one bin may hold: the limit of the contrast's gain, above 0. */
  readonly limit: number;
}

const levels = 2 ** 14;
const bins = 256;
const perBin = 1 + Math.floor(levels / bins);

/** Place in a row of `length` mirrored at its ends, which are not repeated. */
function mirrored(at: number, length: number): number {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const place = ((at % period) + period) % period;
  return place < length ? place : period - place;
}

/** Gives what stands above the limit to all bins alike, in place, and what is left over to bins spread over the range. */
function clip(histogram: Int32Array, limit: number): void {
  let excess = 0;
  for (const count of histogram) excess += Math.max(0, count - limit);
  const share = Math.floor(excess / bins);
  for (let bin = 0; bin < bins; bin++) {
    const raised = Math.min(limit, histogram[bin]! + share);
    excess -= raised - Math.min(limit, histogram[bin]!);
    histogram[bin] = raised;
  }
  for (let before = -1; excess > 0 && excess !== before;) {
    before = excess;
    for (let first = 0; first < bins && excess > 0; first++) {
      const open = histogram.reduce((count, value) => count + (value < limit ? 1 : 0), 0);
      const step = Math.max(1, Math.floor(open / excess));
      for (let bin = first; bin < bins; bin += step) {
        if (histogram[bin]! >= limit) continue;
        histogram[bin]! += 1;
        excess -= 1;
      }
    }
  }
}

/** Level of each bin after equalising the region at `top`, `left`, whose pixels beyond the picture are mirrored. */
function mappingOf(binned: Uint8Array, { rows, columns }: Slice, region: Region): Float64Array {
  const { top, left, height, width, limit } = region;
  const histogram = new Int32Array(bins);
  for (let r = top; r < top + height; r++) {
    const line = mirrored(r, rows) * columns;
    for (let c = left; c < left + width; c++) histogram[binned[line + mirrored(c, columns)]!]! += 1;
  }
  const pixels = height * width;
  clip(histogram, Math.max(1, Math.floor(limit * pixels)));
  const mapping = new Float64Array(bins);
  let sum = 0;
  for (let bin = 0; bin < bins; bin++) {
    sum += histogram[bin]!;
    mapping[bin] = Math.min(levels - 1, Math.floor((sum * (levels - 1)) / pixels));
  }
  return mapping;
}

interface Region {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
  readonly limit: number;
}

/** The two regions whose middles lie on either side of a place, and the share of the second. */
function between(at: number, size: number, count: number): { first: number; second: number; share: number } {
  const shifted = at + (size >> 1);
  const after = Math.floor(shifted / size);
  return { first: Math.max(0, after - 1), second: Math.min(count - 1, after), share: (shifted % size) / size };
}

/** @returns values over the same range as the slice's own; a flat slice stays as it is, as does one whose regions are a pixel */
export function clahe(slice: Slice, { regions, limit }: ClaheOptions): Float32Array {
  const { rows, columns, values } = slice;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (!(high > low)) return values.slice();
  const binned = Uint8Array.from(values, (value) => Math.round(((value - low) / (high - low)) * (levels - 1)) / perBin);
  const [height, width] = [Math.max(1, Math.floor(rows / regions)), Math.max(1, Math.floor(columns / regions))];
  const [down, across] = [Math.ceil(rows / height), Math.ceil(columns / width)];
  const mappings = Array.from({ length: down * across }, (_, i) => {
    const [top, left] = [Math.floor(i / across) * height, (i % across) * width];
    return mappingOf(binned, slice, { top, left, height, width, limit });
  });
  const sides = Array.from({ length: columns }, (_, c) => between(c, width, across));
  const out = new Float32Array(values.length);
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let r = 0, at = 0; r < rows; r++) {
    const row = between(r, height, down);
    for (let c = 0; c < columns; c++, at++) {
      const { first, second, share } = sides[c]!;
      const bin = binned[at]!;
      const level = (line: number, column: number): number => mappings[line * across + column]![bin]!;
      const above = (1 - share) * level(row.first, first) + share * level(row.first, second);
      const below = (1 - share) * level(row.second, first) + share * level(row.second, second);
      const mixed = (1 - row.share) * above + row.share * below;
      out[at] = mixed;
      [least, most] = [Math.min(least, mixed), Math.max(most, mixed)];
    }
  }
  if (!(most > least)) return values.slice();
  const gain = (high - low) / (most - least);
  for (let i = 0; i < out.length; i++) out[i] = low + (out[i]! - least) * gain;
  return out;
}
