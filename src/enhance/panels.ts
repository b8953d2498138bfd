/** Pictures of one slice before, after and, on one grid, their difference, side by side, at a clinical window: for people to look at, never for PACS. */
import { encode } from 'fast-png';
import type { Confidence } from '../imaging/confidence.js';
import type { Slice } from '../imaging/slice.js';
import { quantile } from '../imaging/statistics.js';
import type { NoiseModality } from './noise.js';

export interface Window {
  readonly low: number;
  readonly high: number;
}

/** Soft tissue for CT (-160 to 240 HU); 0 to the 99.5th percentile for MR. */
export function clinicalWindow(modality: NoiseModality, before: Slice): Window {
  if (modality === 'CT') return { low: -160, high: 240 };
  // Values may all be far below 1: a rescale says in which unit they are. Where hardly a pixel is not 0, its brightest is white.
  const high = quantile(before.values, 0.995);
  return { low: 0, high: high > 0 ? high : brightest(before) };
}

/** The largest value of a slice, 1 where none is above 0. */
function brightest({ values }: Slice): number {
  const most = values.reduce((a, b) => Math.max(a, b), 0);
  return most > 0 ? most : 1;
}

/** Window of the difference, mid-grey is zero: +-50 HU for CT, +-10 % of the clinical window for MR. */
export function differenceWindow(modality: NoiseModality, { low, high }: Window): Window {
  const reach = modality === 'CT' ? 50 : 0.1 * (high - low);
  return { low: -reach, high: reach };
}

/** Writes a slice as 8-bit grey into `out` from column `left`. */
function paint(slice: Slice, { low, high }: Window, out: Uint8Array, width: number, left: number): void {
  for (let r = 0, at = 0; r < slice.rows; r++) {
    for (let c = 0; c < slice.columns; c++, at++) {
      const grey = (((slice.values[at] ?? 0) - low) * 255) / (high - low);
      out[r * width + left + c] = Math.min(255, Math.max(0, Math.round(grey)));
    }
  }
}

const gap = 8;

/** A slice in the rows and columns of a finer one, each pixel repeated. */
function repeated({ rows, columns, values }: Slice, { rows: down, columns: across }: Slice): Slice {
  const from = (at: number): number =>
    Math.floor((Math.floor(at / across) * rows) / down) * columns + Math.floor(((at % across) * columns) / across);
  return {
    rows: down,
    columns: across,
    values: Float32Array.from({ length: down * across }, (_, at) => values[from(at)]!),
  };
}

/**
 * A PNG of three panels: before, after, before less after. Of an `after` on a finer grid two, before in pixels as small: where its pixels
 * lie between those of before there is no difference to show.
 *
 * @param before `[row][column]` in units of the modality
 */
export function panels(modality: NoiseModality, before: Slice, after: Slice): Uint8Array {
  const { rows, columns } = after;
  const isSameGrid = before.rows === rows && before.columns === columns;
  const count = isSameGrid ? 3 : 2;
  const width = count * columns + (count - 1) * gap;
  const data = new Uint8Array(rows * width).fill(255);
  const window = clinicalWindow(modality, before);
  paint(isSameGrid ? before : repeated(before, after), window, data, width, 0);
  paint(after, window, data, width, columns + gap);
  if (isSameGrid) {
    const values = before.values.map((value, i) => value - (after.values[i] ?? 0));
    paint({ rows, columns, values }, differenceWindow(modality, window), data, width, 2 * (columns + gap));
  }
  return encode({ width, height: rows, data, channels: 1, depth: 8 });
}

/** A PNG of a confidence map: white where what was taken away looks like noise, dark where it does not. */
export function confidencePicture({ rows, columns, values }: Confidence): Uint8Array {
  return encode({ width: columns, height: rows, data: values, channels: 1, depth: 8 });
}
