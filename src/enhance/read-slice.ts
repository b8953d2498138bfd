// One image as a slice in modality units: for pictures and comparisons outside a task.
import { readFile } from 'node:fs/promises';
import { readInstance } from '../dicom/file.js';
import { frameScopes, scopeOf } from '../dicom/functional-groups.js';
import { isReason, pixelDescription } from '../dicom/pixel-description.js';
import { decodePixels } from '../dicom/pixels.js';
import { toModality } from '../dicom/rescale.js';
import { greyOf } from '../dicom/ultrasound.js';
import { number, numbers, text } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import type { Slice } from '../imaging/slice.js';

export interface ReadSlice extends Slice {
  readonly modality: string;
  /** Image Position (Patient), mm. */
  readonly position: readonly number[];
  readonly instanceNumber: number | null;
}

/**
 * Reads and decodes one image.
 *
 * @param frame from 0, in an object of several
 * @returns values `[row][column]`, HU for CT
 * @throws LimpidError DICOM_*: no DICOM file, or pixels that cannot be decoded
 */
export async function readSlice(file: string, frame = 0): Promise<ReadSlice> {
  const { dataSet, part10 } = readInstance(await readFile(file));
  const description = pixelDescription(dataSet, frame);
  if (isReason(description)) throw new LimpidError('DICOM_UNDECODABLE', `${description.code} ${description.detail}`);
  const stored = await decodePixels(dataSet, description, part10.transferSyntaxUid, frame);
  return {
    rows: description.rows,
    columns: description.columns,
    values: toModality(greyOf(stored, description), description),
    modality: text(dataSet, 'Modality') ?? '',
    position: numbers(scopeOf(frameScopes(dataSet, frame), 0x00200032), 'ImagePositionPatient'),
    instanceNumber: number(dataSet, 'InstanceNumber'),
  };
}
