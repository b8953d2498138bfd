// Series with more noise, as files: what an evaluation gives to an enhancer.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodedDataSet, everything } from '../derive/encode.js';
import { pixelElements } from '../derive/pixel-data.js';
import { joined } from '../dicom/element.js';
import { readInstance } from '../dicom/file.js';
import { writeFileMeta } from '../dicom/part10.js';
import { isReason, pixelDescription } from '../dicom/pixel-description.js';
import { decodePixels } from '../dicom/pixels.js';
import { toStored } from '../dicom/rescale.js';
import { explicitLittleEndian } from '../dicom/uids.js';
import { text } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import { noiseParts } from '../evaluate/shared-noise.js';
import { atDose, withComplexNoise } from '../imaging/degrade.js';
import type { NoisePart } from '../imaging/degrade.js';
import { bodyMask } from '../imaging/masks.js';
import { mrNoise } from '../imaging/noise-mr.js';
import type { ReadSlice, Stretch } from './evaluated-series.js';
import { makeParents } from '../spool/write-once.js';

/** The slice with `times` its noise; null where its noise cannot be measured. @param seed of what is not CT: each slice has its own noise */
function degraded(slice: ReadSlice, times: number, seed: number, parts: readonly NoisePart[]): Float32Array | null {
  if (times === 1) return slice.values;
  if (slice.modality === 'CT') return atDose(slice, 1 / (times * times), parts);
  const { sigma } = mrNoise(slice, bodyMask(slice));
  return sigma > 0 ? withComplexNoise(slice, sigma * Math.sqrt(times * times - 1), seed) : null;
}

/** A copy of an instance with other pixels: only for evaluation, never for a PACS. */
async function writeCopy(slice: ReadSlice, values: Float32Array, to: string): Promise<void> {
  const source = readInstance(await readFile(slice.file));
  const description = pixelDescription(source.dataSet);
  if (isReason(description)) throw new LimpidError('DICOM_UNDECODABLE', description.code);
  const stored = await decodePixels(source.dataSet, description, source.part10.transferSyntaxUid);
  const pixels = toStored(values, stored, description);
  const elements = pixelElements(source.dataSet, description, pixels, source.part10.transferSyntaxUid);
  const meta = writeFileMeta({
    sopClassUid: text(source.dataSet, 'SOPClassUID') ?? '',
    sopInstanceUid: slice.sopInstanceUid,
    transferSyntaxUid: explicitLittleEndian,
  });
  await writeFile(to, joined([meta, ...encodedDataSet(source.dataSet, everything, elements)]));
}

/**
 * Degrades the middle of a series into a folder.
 *
 * @returns the files of what is compared, and of what lies beside it as far as its noise can be measured; null where that of the former cannot
 */
export async function degrade(
  { compared, beside }: Stretch,
  times: number,
  folder: string,
): Promise<{ readonly compared: readonly string[]; readonly beside: readonly string[] } | null> {
  await rm(folder, { recursive: true, force: true });
  await makeParents(folder);
  const files = { compared: [] as string[], beside: [] as string[] };
  const slices = [...compared, ...beside];
  const parts = noiseParts(slices);
  for (const [index, slice] of slices.entries()) {
    const isCompared = index < compared.length;
    const values = degraded(slice, times, 1000 * index + 17, parts[index] ?? []);
    if (values === null && isCompared) return null;
    if (values === null) continue;
    const file = join(folder, `${String(index + 1).padStart(4, '0')}.dcm`);
    await writeCopy(slice, values, file);
    files[isCompared ? 'compared' : 'beside'].push(file);
  }
  return files;
}
