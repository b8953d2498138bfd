// Thread of a task's child that takes a slice from its file to modality units, and the enhanced slice from there to its file.
// A decoder that crashes or hangs takes only this thread down.
import { open, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { readInstance, readInstanceHeader } from './dicom/file.js';
import { isReason, pixelDescription } from './dicom/pixel-description.js';
import { decodePixels } from './dicom/pixels.js';
import { toModality, toStored } from './dicom/rescale.js';
import { derivedInstanceUid } from './dicom/uid.js';
import { explicitLittleEndian, sopClasses } from './dicom/uids.js';
import { number, numbers, text } from './dicom/values.js';
import { checkInstance } from './derive/check.js';
import { summaryOf } from './derive/check-series.js';
import type { InstanceSummary } from './derive/check-series.js';
import { deriveInstance } from './derive/derive-instance.js';
import type { SourceInstance } from './derive/derive-instance.js';
import type { DerivationPlan } from './derive/plan.js';
import { seriesWords } from './derive/texts.js';
import { blended, finishFigures } from './enhance/finish.js';
import type { SliceMethods, SurveyedInstance } from './enhance/methods.js';
import { measureSlice, noiseRatio } from './enhance/noise.js';
import type { Measured, NoiseModality } from './enhance/noise.js';
import { SharedFloats } from './enhance/shared.js';
import { serve } from './enhance/thread.js';
import { LimpidError } from './errors.js';
import { removeAirBias } from './imaging/air-bias.js';
import { modelSha256 } from './inference/identity.js';

interface Work {
  readonly modality: NoiseModality;
  readonly source: SourceInstance;
  readonly stored: Int32Array;
  readonly measured: Measured;
  /** Of the model's unit to the record's: HU, or stored values for MR. */
  readonly toRecord: number;
  residual: Float32Array | null;
}
const works = new Map<number, Work>();
let nextWork = 0;
const shared = new SharedFloats();

/** Headers of CT and MR objects end within this; longer ones are read whole. */
const headerBytes = 65_536;

async function surveyOne(file: string): Promise<SurveyedInstance> {
  const handle = await open(file);
  let header: ReturnType<typeof readInstanceHeader>;
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
    header = readInstanceHeader(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
  if (!header.complete) header = readInstanceHeader(await readFile(file));
  if (!header.complete) throw new LimpidError('DICOM_MALFORMED', 'the file ends before its pixels');
  const { dataSet } = header;
  const sopClass = text(dataSet, 'SOPClassUID');
  return {
    modality: sopClass === sopClasses.ct ? 'CT' : sopClass === sopClasses.mr ? 'MR' : null,
    position: numbers(dataSet, 'ImagePositionPatient'),
    orientation: numbers(dataSet, 'ImageOrientationPatient'),
    instanceNumber: number(dataSet, 'InstanceNumber'),
    words: seriesWords(dataSet),
  };
}

function workOf(name: number): Work {
  const work = works.get(name);
  if (!work) throw new LimpidError('INTERNAL', `slice ${name} is not in this thread`);
  return work;
}

function takeResidual(work: Work, residual: Float32Array | null): Float32Array {
  // Magnitude noise has a mean where there is no signal: it stays, as the mean of the tissue does.
  if (residual !== null && work.modality === 'MR') removeAirBias(work.measured.slice, residual, work.measured.mask);
  work.residual = residual ?? work.residual;
  if (!work.residual) throw new LimpidError('INTERNAL', 'a slice without a residual');
  return work.residual;
}

/** Writes a file whose content is on the disk when this returns. */
async function writeSynced(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(bytes);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

const methods: SliceMethods<DerivationPlan, InstanceSummary> = {
  async survey(files) {
    const value: SurveyedInstance[] = [];
    for (const file of files) {
      try {
        value.push(await surveyOne(file));
      } catch (error) {
        if (!(error instanceof LimpidError)) throw error;
        throw new LimpidError(error.code, `${basename(file)}: ${error.message}`, { cause: error });
      }
    }
    return { value };
  },

  async prepare({ file, modality, guess }) {
    const instance = readInstance(await readFile(file));
    const description = pixelDescription(instance.dataSet);
    if (isReason(description)) return { value: { refused: description } };
    if (description.frames !== 1) {
      return { value: { refused: { code: 'UNSUPPORTED_SOP_CLASS', detail: 'more than one frame' } } };
    }
    const stored = await decodePixels(instance.dataSet, description, instance.part10.transferSyntaxUid);
    const { rows, columns } = description;
    const values = shared.copy(toModality(stored, description));
    const measured = measureSlice(modality, rows, columns, values, guess);
    const map = shared.copy(measured.map);
    const toRecord = 1 / measured.scale / (modality === 'CT' ? 1 : Math.abs(description.slope));
    const work = nextWork++;
    works.set(work, {
      modality,
      source: { ...instance, description },
      stored,
      measured: { ...measured, map },
      toRecord,
      residual: null,
    });
    return { value: { work, rows, columns, values, map, sigma: measured.sigma, toRecord } };
  },

  measure({ work: name, residual, blends }) {
    const work = workOf(name);
    const { slice } = work.measured;
    const taken = takeResidual(work, residual);
    const value = blends.map((share) => {
      const { values } = blended(work.modality, work.measured, taken, share);
      return noiseRatio(work.modality, work.measured, { ...slice, values });
    });
    return Promise.resolve({ value });
  },

  async finish({ work: name, residual, blend: share, plan, outFile, nowMs }) {
    const work = workOf(name);
    works.delete(name);
    const { source, stored, measured, toRecord } = work;
    const { values, figures } = finishFigures(work.modality, measured, takeResidual(work, residual), share);
    for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) / measured.scale;
    const pixels = toStored(values, stored, source.description);
    // The model is done with the slice: its residual is here.
    shared.giveBack(measured.slice.values, measured.map);
    const inRecord = (noise: number | null): number | null => noise && noise * toRecord;
    const recorded = { noiseBefore: inRecord(figures.noiseBefore), noiseAfter: inRecord(figures.noiseAfter) };
    const bytes = deriveInstance(source, plan, pixels, recorded, nowMs);
    const decoded = { ...source, pixels: stored };
    const faults = checkInstance(decoded, bytes, plan);
    if (faults.length === 0) await writeSynced(outFile, bytes);
    const sourceUid = text(source.dataSet, 'SOPInstanceUID') ?? '';
    const derived = {
      file: basename(outFile),
      sopInstanceUid: derivedInstanceUid(plan.seriesInstanceUid, sourceUid),
      sopClassUid: text(source.dataSet, 'SOPClassUID') ?? '',
      transferSyntaxUid: explicitLittleEndian,
      sha256: modelSha256(bytes),
      bytes: bytes.length,
      source: sourceUid,
    };
    return {
      value: {
        modality: work.modality,
        figures: { ...figures, mean: figures.mean / measured.scale },
        instance: derived,
        faults,
        summary: summaryOf(decoded, bytes, pixels),
      },
    };
  },

  drop(names) {
    if (names === 'all') {
      works.clear();
      shared.clear();
    } else for (const name of names) works.delete(name);
    return Promise.resolve({ value: null });
  },
};
serve(methods);
