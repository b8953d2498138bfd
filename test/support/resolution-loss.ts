// Real slices with the resolution that a scanner of half the matrix would have given them, and how near an enlargement comes to the original.
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readInstance } from '../../src/dicom/file.js';
import { isReason, pixelDescription } from '../../src/dicom/pixel-description.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { paddingMask, toModality } from '../../src/dicom/rescale.js';
import { transformPlane } from '../../src/imaging/fourier.js';
import { gaussian } from '../../src/imaging/gaussian.js';
import { continuePadding } from '../../src/imaging/padding.js';
import { areaMeans, upsampled } from '../../src/imaging/resample.js';
import type { Slice } from '../../src/imaging/slice.js';
import { quantile } from '../../src/imaging/statistics.js';

/** A slice with an even matrix, and its padding; MR such that the 99.5th percentile is 1000. */
export interface Original extends Slice {
  readonly padding: Uint8Array | null;
}

export interface Halved {
  readonly original: Original;
  readonly low: Slice;
  /** What of the original the low slice says anything about: no padding. */
  readonly judged: Uint8Array;
}

/** Single slices of makers of which there is no series. */
const alone = [
  'odd/ct-single-philips-ingenuity-jpeg-lossless.dcm',
  'transfer-syntaxes/rle_ct_16s_toshiba-xpress.dcm',
  'transfer-syntaxes/jpeg-lossless-sv1_ct_12u.dcm',
  'transfer-syntaxes/j2k-lossless_ct_13s_supria.dcm',
];

/** Names and two slices each (second and last but one) of every series of a modality. @param root of the sample data, absolute */
export function seriesOf(
  root: string,
  modality: 'CT' | 'MR',
): { readonly name: string; readonly files: readonly string[] }[] {
  const kind = modality.toLowerCase();
  const series = readdirSync(join(root, kind)).map((folder) => {
    const place = join(root, kind, folder);
    const files = readdirSync(place).filter((file) => file.endsWith('.dcm'));
    return { name: `${kind}/${folder}`, files: files.toSorted().map((file) => join(place, file)) };
  });
  const single = modality === 'CT' ? alone.map((file) => ({ name: file, files: [join(root, file)] })) : [];
  return [
    ...series
      .filter(({ files }) => files.length > 2)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, files }) => ({ name, files: [files[1] ?? '', files.at(-2) ?? ''] })),
    ...single.filter(({ files: [file = ''] }) => existsSync(file)),
  ];
}

/** Without the last row and column where their number is odd. */
function even({ rows, columns, values }: Slice): Slice {
  const [tall, wide] = [rows - (rows % 2), columns - (columns % 2)];
  const out = new Float32Array(tall * wide);
  for (let r = 0; r < tall; r++) out.set(values.subarray(r * columns, r * columns + wide), r * wide);
  return { rows: tall, columns: wide, values: out };
}

/** Reads a slice, in HU for CT. */
export async function readOriginal(file: string, modality: 'CT' | 'MR'): Promise<Original> {
  const { dataSet, part10 } = readInstance(new Uint8Array(await readFile(file)));
  const description = pixelDescription(dataSet);
  if (isReason(description)) throw new Error(description.code);
  const { rows, columns } = description;
  const stored = await decodePixels(dataSet, description, part10.transferSyntaxUid);
  const slice = even({ rows, columns, values: toModality(stored, description) });
  const declared = paddingMask(stored, description) ?? new Uint8Array(stored.length);
  const padded = even({ rows, columns, values: Float32Array.from(declared) }).values;
  // Below what matter has: outside the field of view, whether the header says so or not.
  const padding = Uint8Array.from(slice.values, (value, i) =>
    padded[i] === 1 || (modality === 'CT' && value < -1500) ? 1 : 0,
  );
  const top = modality === 'MR' ? quantile(slice.values, 0.995) : 1000;
  return {
    ...slice,
    values: slice.values.map((value) => (value * 1000) / top),
    padding: padding.includes(1) ? padding : null,
  };
}

/**
 * CT with pixels twice as large: blurred, each pixel the mean of four, in whole HU. A pixel with padding in it is padding.
 *
 * @param blur deviation of the focal spot's and the kernel's Gaussian, in pixels of the original; 0: the larger pixel alone
 */
export function halvedCt(original: Original, blur: number): Halved {
  const { rows, columns, padding } = original;
  const filled = { rows, columns, values: original.values.slice() };
  continuePadding(filled, padding);
  const low = areaMeans(blur > 0 ? { ...filled, values: gaussian(filled, blur) } : filled, 2);
  for (let i = 0; i < low.values.length; i++) low.values[i] = Math.round(low.values[i] ?? 0);
  const padded = new Uint8Array(low.values.length);
  const judged = new Uint8Array(rows * columns).fill(1);
  if (padding !== null) {
    const lowAt = (i: number): number => ((i / columns) >> 1) * low.columns + ((i % columns) >> 1);
    for (let i = 0; i < padding.length; i++) if (padding[i] === 1) padded[lowAt(i)] = 1;
    for (let i = 0; i < judged.length; i++) judged[i] = 1 - (padded[lowAt(i)] ?? 0);
    continuePadding(low, padded);
  }
  return { original, low, judged };
}

/**
 * MR of half the matrix: the inner half of k-space, magnitude.
 *
 * @param fall deviation of a Gaussian over k-space (long echo train, filter), in shares of the new edge; Infinity: none
 */
export function halvedMr(original: Original, fall: number): Halved {
  const { rows, columns } = original;
  const whole = { rows, columns, re: Float64Array.from(original.values), im: new Float64Array(rows * columns) };
  transformPlane(whole, 'forward');
  const [down, across] = [rows / 2, columns / 2];
  const inner = {
    rows: down,
    columns: across,
    re: new Float64Array(down * across),
    im: new Float64Array(down * across),
  };
  const signed = (k: number, length: number): number => (2 * k < length ? k : k - length);
  for (let r = 0; r < down; r++) {
    for (let c = 0; c < across; c++) {
      const [y, x] = [signed(r, down), signed(c, across)];
      const from = ((y + rows) % rows) * columns + ((x + columns) % columns);
      const share = Math.exp(-((2 * y) ** 2 / down ** 2 + (2 * x) ** 2 / across ** 2) / (2 * fall * fall)) / 4;
      inner.re[r * across + c] = (whole.re[from] ?? 0) * share;
      inner.im[r * across + c] = (whole.im[from] ?? 0) * share;
    }
  }
  transformPlane(inner, 'inverse');
  const values = Float32Array.from(inner.re, (re, i) => Math.hypot(re, inner.im[i] ?? 0));
  return { original, low: { rows: down, columns: across, values }, judged: new Uint8Array(rows * columns).fill(1) };
}

/** Cubic convolution where every second pixel is the coarse one: what zero filling is held against. */
export function cubicBetween({ rows, columns, values }: Slice): Slice {
  const at = (r: number, c: number): number => values[((r + rows) % rows) * columns + ((c + columns) % columns)] ?? 0;
  const weights = [-1 / 16, 9 / 16, 9 / 16, -1 / 16];
  const line = (r: number, c: number): number =>
    c % 2 === 0 ? at(r, c / 2) : weights.reduce((sum, weight, j) => sum + weight * at(r, (c - 1) / 2 - 1 + j), 0);
  const wide = 2 * columns;
  const out = new Float32Array(4 * rows * columns);
  for (let r = 0; r < 2 * rows; r++)
    for (let c = 0; c < wide; c++)
      out[r * wide + c] =
        r % 2 === 0
          ? line(r / 2, c)
          : weights.reduce((sum, weight, j) => sum + weight * line((r - 1) / 2 - 1 + j, c), 0);
  return { rows: 2 * rows, columns: wide, values: out };
}

/** The better of both cubics: convolution (Keys) and spline. */
export function cubicPsnr(halved: Halved, window: readonly [number, number]): number {
  return Math.max(
    ...(['keys', 'b-spline'] as const).map((kernel) => psnr(upsampled(halved.low, 2, kernel), halved, window)),
  );
}

/** Peak signal-to-noise ratio, dB, of values held to a window, over what is judged. */
export function psnr({ values }: Slice, { original, judged }: Halved, [low, high]: readonly [number, number]): number {
  const held = (value: number): number => (value < low ? low : value > high ? high : value);
  let [squares, count] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    if (judged[i] === 0) continue;
    squares += (held(values[i] ?? 0) - held(original.values[i] ?? 0)) ** 2;
    count++;
  }
  return 10 * Math.log10(((high - low) ** 2 * count) / squares);
}

/** Root of the mean square of the difference between two slices of one matrix. */
export function rms(a: Slice, b: Slice): number {
  return Math.sqrt(a.values.reduce((sum, value, i) => sum + (value - (b.values[i] ?? 0)) ** 2, 0) / a.values.length);
}
