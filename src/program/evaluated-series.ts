// Series of files as an evaluation takes them: single grey images of CT or MR, in units of the modality.
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { Told } from '../cli/evaluate.js';
import { readInstance } from '../dicom/file.js';
import { stackOf } from '../dicom/geometry.js';
import { isReason, pixelDescription } from '../dicom/pixel-description.js';
import { decodePixels } from '../dicom/pixels.js';
import { toModality } from '../dicom/rescale.js';
import { number, numbers, text } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import type { Modality } from '../evaluate/pair-figures.js';
import type { Placed } from '../evaluate/pairing.js';
import type { Slice } from '../imaging/slice.js';
import { seriesOfFiles } from './file-series.js';

/** A slice with its place and its modality. */
export interface ReadSlice extends Slice, Placed {
  readonly file: string;
  readonly sopInstanceUid: string;
  readonly modality: Modality;
  /** Pixel Spacing, mm: between rows, between columns; empty: not said. */
  readonly spacing: readonly number[];
  /** Slice Thickness, mm; null: not said. */
  readonly thickness: number | null;
}

/** @throws LimpidError USAGE: no single grey image of CT or MR */
export async function readSlice(file: string): Promise<ReadSlice> {
  const { dataSet, part10 } = readInstance(await readFile(file));
  const unfit = (why: string): LimpidError => new LimpidError('USAGE', `${basename(file)}: ${why}`);
  const modality = text(dataSet, 'Modality') ?? 'none';
  if (modality !== 'CT' && modality !== 'MR') throw unfit(`Modality ${modality}: CT and MR are evaluated`);
  const description = pixelDescription(dataSet);
  if (isReason(description)) throw unfit(`${description.code} ${description.detail}`.trim());
  if (description.frames > 1) throw unfit(`${description.frames} frames: objects of one image are evaluated`);
  if (description.samples > 1) throw unfit('pixels in colour');
  const stored = await decodePixels(dataSet, description, part10.transferSyntaxUid);
  const { rows, columns } = description;
  return {
    file,
    rows,
    columns,
    values: toModality(stored, description),
    modality,
    spacing: numbers(dataSet, 'PixelSpacing'),
    thickness: number(dataSet, 'SliceThickness'),
    position: numbers(dataSet, 'ImagePositionPatient'),
    orientation: numbers(dataSet, 'ImageOrientationPatient'),
    instanceNumber: number(dataSet, 'InstanceNumber'),
    sopInstanceUid: text(dataSet, 'SOPInstanceUID') ?? '',
  };
}

/** The files of the only series there is. */
export async function onlySeries(name: string, files: readonly string[], left: Told['left']): Promise<ReadSlice[]> {
  const series = await groups(files, left);
  const [only] = series;
  if (only === undefined || series.length > 1) {
    throw new LimpidError('USAGE', `${name} must be one series; these are ${series.length}`);
  }
  return Promise.all(only.files.map(readSlice));
}

export interface EvaluatedSeries {
  readonly key: string;
  /** What a person knows it by, without the patient: `CT Chest 1.0 (folder)`. */
  readonly name: string;
  readonly files: readonly string[];
}

/** Modality, and description or number; and the folder of its first file. */
async function nameOf(file: string): Promise<string> {
  const { dataSet } = readInstance(await readFile(file));
  const seriesNumber = text(dataSet, 'SeriesNumber');
  const said = text(dataSet, 'SeriesDescription') ?? (seriesNumber === null ? null : `series ${seriesNumber}`);
  return [text(dataSet, 'Modality'), said, `(${basename(dirname(resolve(file)))})`]
    .filter((part) => part !== null)
    .join(' ');
}

/** Files by series. @throws LimpidError USAGE: none can be read */
export async function groups(files: readonly string[], left: Told['left']): Promise<EvaluatedSeries[]> {
  const source = { peer: 'unknown', callingAe: '', calledAe: '', address: '' };
  const { series, refused } = await seriesOfFiles(files, source, () => 0);
  if (series.length === 0) {
    const [first] = refused;
    const why = first === undefined ? 'there are no files' : `${basename(first.file)}: ${first.why}`;
    throw new LimpidError('USAGE', `no series to read: ${why}`);
  }
  left(refused);
  return Promise.all(
    series.map(async ({ record, paths }) => {
      const [first = ''] = paths.values();
      return {
        key: record.key,
        name: await nameOf(first),
        files: record.instances.map(({ file }) => paths.get(file) ?? file),
      };
    }),
  );
}

/** The slices of a series that are evaluated. */
export interface Stretch {
  readonly compared: readonly ReadSlice[];
  /** The slices before and after those, as far as there are any: what a model sees that looks at neighbours. */
  readonly beside: readonly ReadSlice[];
}

/** At most `most` neighbouring slices from the middle of a series, by position. */
function middle(slices: readonly ReadSlice[], most: number): Stretch {
  const order = stackOf(slices)?.order;
  const sorted =
    order === undefined
      ? slices.toSorted((a, b) => (a.instanceNumber ?? 0) - (b.instanceNumber ?? 0))
      : order.flatMap((index) => slices[index] ?? []);
  const from = Math.max(0, (sorted.length - most) >> 1);
  const beside = [sorted[from - 1], sorted[from + most]].filter((slice) => slice !== undefined);
  return { compared: sorted.slice(from, from + most), beside };
}

/** The middle of a series; null: it cannot be evaluated, and `left` is told why. */
export async function referenceOf(
  { key, name, files }: EvaluatedSeries,
  most: number,
  left: Told['left'],
): Promise<Stretch | null> {
  try {
    return middle(await Promise.all(files.map(readSlice)), most);
  } catch (error) {
    if (!(error instanceof LimpidError)) throw error;
    left([{ file: `${key} ${name}`, why: error.message }]);
    return null;
  }
}
