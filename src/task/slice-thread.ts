// Thread of a task's child that takes a slice from its file to modality units, and the enhanced slice from there to its file.
// A decoder that crashes or hangs takes only this thread down.
import { open, readFile, stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { readInstance } from '../dicom/file.js';
import { imagePlace } from '../dicom/image-place.js';
import { isReason, pixelDescription } from '../dicom/pixel-description.js';
import type { PixelDescription } from '../dicom/pixel-description.js';
import { decodePixels } from '../dicom/pixels.js';
import { paddingMask, toModality } from '../dicom/rescale.js';
import { derivedInstanceUid } from '../dicom/uid.js';
import { hasTissueRegion, tissueRegions } from '../dicom/ultrasound-regions.js';
import { colouredPixels, greyOf, whiteFrom } from '../dicom/ultrasound.js';
import { explicitLittleEndian, modalityOfClass } from '../dicom/uids.js';
import { number, text } from '../dicom/values.js';
import { checkInstance } from '../derive/check.js';
import { checkFrame } from '../derive/check-pixels.js';
import { sampleOf, summaryOf } from '../derive/check-series.js';
import type { InstanceSummary } from '../derive/check-series.js';
import { deriveInstance } from '../derive/derive-instance.js';
import type { SourceInstance } from '../derive/derive-instance.js';
import { derivedDescription, onSourceGrid } from '../derive/grid.js';
import type { Fault } from '../derive/faults.js';
import type { FramePart } from '../derive/frame-part.js';
import { framePixels, rangeOf } from '../derive/pixel-data.js';
import type { DerivationPlan, SliceFigures } from '../derive/plan.js';
import { seriesWords } from '../derive/texts.js';
import { blended, qualityOfSlice } from '../enhance/finish.js';
import type { SliceMethods, SurveyedObject } from '../enhance/methods.js';
import { confidencePicture } from '../enhance/panels.js';
import { fingerprintOfInput, fingerprintOfValues } from '../enhance/fingerprint.js';
import { measureSlice, noiseRatio } from '../enhance/noise.js';
import { SharedFloats } from '../enhance/shared.js';
import { serve } from '../threads/thread.js';
import { LimpidError } from '../errors.js';
import type { Reason } from '../errors.js';
import { completeObject, headerLength, sha256OfBytes, writeFrame } from './frame-writer.js';
import { awayFrom, eroded } from '../imaging/masks.js';
import { continuePadding, withoutPadding } from '../imaging/padding.js';
import { modelSha256 } from '../inference/identity.js';
import { asWritten, enhanceHere, enhanceOnGrid, takeResidual } from './slice-work.js';
import type { Stored, Work } from './slice-work.js';
import { zeroFault } from './zero-of-magnitude.js';
import { openObjectFile, readHeaderOf } from '../spool/object-file.js';
import type { ObjectFile } from '../spool/object-file.js';

const works = new Map<number, Work>();
/** Values of slices that others have still to look at, though no work is left of them. */
const lent = new Map<number, Float32Array>();
let nextWork = 0;
const shared = new SharedFloats();

/** Objects of several frames that are under way: their headers are read once a thread. */
const objects = new Map<string, Promise<ObjectFile>>();
const mostObjects = 4;
/** Where the first frame begins, by the file that is written. */
const headerLengths = new Map<string, number>();

function objectFile(file: string): Promise<ObjectFile> {
  const known = objects.get(file);
  if (known !== undefined) return known;
  const [oldest] = objects.keys();
  if (oldest !== undefined && objects.size >= mostObjects) objects.delete(oldest);
  const opened = openObjectFile(file);
  objects.set(file, opened);
  return opened;
}

async function surveyOne(file: string): Promise<SurveyedObject> {
  const { dataSet } = await readHeaderOf(file);
  const description = pixelDescription(dataSet);
  const frames = isReason(description) ? 1 : description.frames;
  return {
    modality: modalityOfClass(text(dataSet, 'SOPClassUID') ?? ''),
    instanceNumber: number(dataSet, 'InstanceNumber'),
    concatenationUid: text(dataSet, 'ConcatenationUID'),
    words: seriesWords(dataSet),
    frames: Array.from({ length: frames }, (_, frame) => imagePlace(dataSet, frame)),
  };
}

/** One image of a file: the instance that it is part of, and its stored values. */
interface SourceImage {
  readonly source: SourceInstance;
  readonly frame: number | null;
  readonly stored: Int32Array;
}

/** Coloured pixels that grey tissue may hold: marks and text. */
const mostColour = 0.001;
/** Filters look this far: what is no tissue does not reach into it. */
const margin = 3;

/** Of an ultrasound image, the tissue in grey that may change; refused where there is none, or where it is in colour. */
function usable(source: SourceInstance, stored: Int32Array): Uint8Array | { readonly refused: Reason } {
  const { dataSet, description } = source;
  const { rows, columns } = description;
  if (!hasTissueRegion(dataSet))
    return { refused: { code: 'MISSING_ATTRIBUTE', detail: 'SequenceOfUltrasoundRegions' } };
  const tissue = tissueRegions(dataSet, description);
  const coloured = colouredPixels(stored, description);
  const grey = greyOf(stored, description);
  const white = whiteFrom(source, description);
  const excluded = new Uint8Array(tissue.length);
  let [inside, colour] = [0, 0];
  for (let i = 0; i < tissue.length; i++) {
    if (tissue[i] === 1) inside++;
    if (tissue[i] === 1 && coloured?.[i] === 1) colour++;
    if (coloured?.[i] === 1 || (grey[i] ?? 0) >= white) excluded[i] = 1;
  }
  if (colour > mostColour * inside)
    return { refused: { code: 'COLOUR', detail: `${((100 * colour) / inside).toFixed(1)} % of the tissue` } };
  const away = awayFrom(excluded, rows, columns, margin);
  const within = eroded(tissue, rows, columns, margin);
  return within.map((one, i) => (one === 1 && away[i] === 1 ? 1 : 0));
}

/** Objects up to this are read at once: classic ones, which have one image. */
const mostWholeBytes = 16 * 1024 * 1024;

async function readImage(file: string, frame: number): Promise<SourceImage | { readonly refused: Reason }> {
  const isOpen = objects.has(file);
  const whole = !isOpen && (await stat(file)).size <= mostWholeBytes;
  const instance = whole ? readInstance(await readFile(file)) : (await objectFile(file)).header;
  const first = pixelDescription(instance.dataSet, frame);
  if (isReason(first)) return { refused: first };
  if (first.frames === 1 && whole) {
    const stored = await decodePixels(instance.dataSet, first, instance.part10.transferSyntaxUid);
    return { source: { ...instance, description: first }, frame: null, stored };
  }
  const image = await readFrame(await objectFile(file), frame, first);
  // Of a file that is too long to be read at once, but holds one image: an object of its own all the same, which names its neighbours.
  return first.frames === 1 ? { ...image, frame: null } : image;
}

async function readFrame(object: ObjectFile, frame: number, description: PixelDescription): Promise<SourceImage> {
  const pixels = await object.framePixels(frame, description);
  const { transferSyntaxUid } = object.header.part10;
  const stored = await decodePixels(pixels, { ...description, frames: 1 }, transferSyntaxUid);
  return { source: { ...object.header, description }, frame, stored };
}

function workOf(name: number): Work {
  const work = works.get(name);
  if (!work) throw new LimpidError('INTERNAL', `slice ${name} is not in this thread`);
  return work;
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

/** Checks one frame's bytes and writes them to their place in the object. */
async function finishFrame(
  { source, stored }: Work,
  frame: number,
  image: Stored,
  noise: SliceFigures,
  plan: DerivationPlan,
  outFile: string,
): Promise<{ readonly faults: readonly string[]; readonly part: FramePart }> {
  const { description } = source;
  const { pixels } = image;
  const written = derivedDescription(description, plan);
  rangeOf(pixels, written, 1);
  const bytes = framePixels(pixels, written);
  const faults: string[] = [];
  const fault: Fault = (rule, what) => faults.push(`${rule}: frame ${frame + 1}: ${what}`);
  const range = checkFrame(bytes, stored, source, { ...image, plan, fault });
  const start = headerLengths.get(outFile) ?? headerLength(source, plan);
  headerLengths.set(outFile, start);
  if (faults.length === 0) await writeFrame(outFile, start + frame * bytes.length, bytes);
  const sample = sampleOf(onSourceGrid(pixels, description, plan), stored);
  return { faults, part: { frame, ...range, ...noise, sha256: sha256OfBytes(bytes), sample } };
}

const methods: SliceMethods<DerivationPlan, FramePart, InstanceSummary> = {
  async survey(files) {
    const value: SurveyedObject[] = [];
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

  async prepare({ file, frame, modality, padding, guess }) {
    const image = await readImage(file, frame);
    if ('refused' in image) return { value: image };
    const { source, stored } = image;
    const { description } = source;
    const { rows, columns } = description;
    const region = modality === 'US' ? usable(source, stored) : null;
    if (region !== null && 'refused' in region) return { value: region };
    const moved = modality === 'MR' ? zeroFault(stored, description) : null;
    if (moved !== null) return { value: { refused: moved } };
    const grey = greyOf(stored, description);
    const values = shared.copy(toModality(grey, description));
    const padded = padding === 'kept' ? null : paddingMask(grey, description);
    if (padding === 'continued') continuePadding({ rows, columns, values }, padded);
    const measured = measureSlice(modality, rows, columns, values, guess, region);
    const { slice } = measured;
    const filled = padding === 'hidden' ? withoutPadding(slice, padded) : slice;
    const seen = filled === slice ? values : shared.copy(filled.values);
    const map = shared.copy(measured.map);
    const toRecord = 1 / measured.scale / (modality === 'CT' ? 1 : Math.abs(description.slope));
    const fingerprint = fingerprintOfValues(seen);
    const place = imagePlace(source.dataSet, frame);
    const work = nextWork++;
    works.set(work, {
      modality,
      source,
      region,
      frame: image.frame,
      stored,
      measured: { ...measured, map },
      seen,
      fingerprint: fingerprintOfInput(fingerprint, map),
      toRecord,
      residual: null,
    });
    const { scale, sigma } = measured;
    return { value: { work, rows, columns, values: seen, scale, fingerprint, place, map, sigma, toRecord } };
  },

  async decode({ file, frame }) {
    const image = await readImage(file, frame);
    if ('refused' in image) return { value: image };
    const { dataSet, description } = image.source;
    const { rows, columns } = description;
    const values = shared.copy(toModality(greyOf(image.stored, description), description));
    const work = nextWork++;
    lent.set(work, values);
    const fingerprint = fingerprintOfValues(values);
    return { value: { work, rows, columns, values, scale: 1, fingerprint, place: imagePlace(dataSet, frame) } };
  },

  measure({ work: name, residual, blends, loud, as }) {
    const work = workOf(name);
    const { slice } = work.measured;
    const taken = takeResidual(work, residual);
    const value = blends.map((share) => {
      const { values } = blended(work.modality, work.measured, taken, share, loud);
      return noiseRatio(work.measured, { ...slice, values: as === 'written' ? asWritten(work, values) : values });
    });
    return Promise.resolve({ value });
  },

  judge(name) {
    const { modality, measured } = workOf(name);
    return Promise.resolve({ value: qualityOfSlice(modality, measured, measured.slice.values, measured.sigma) });
  },

  async finish({ work: name, residual, isLent, context, plan, outFile, mapFile, nowMs, ...how }) {
    const work = workOf(name);
    works.delete(name);
    const { source, stored, measured, seen, toRecord } = work;
    const { image, figures, confidence, quality } =
      plan.geometry === undefined ? enhanceHere(work, residual, { ...how, plan }) : enhanceOnGrid(work, residual, plan);
    // The model is done with the slice: its residual is here. Its neighbours may not be.
    shared.giveBack(measured.map);
    if (seen !== measured.slice.values) shared.giveBack(seen);
    if (isLent) lent.set(name, measured.slice.values);
    else shared.giveBack(measured.slice.values);
    const inRecord = (noise: number | null): number | null => noise && noise * toRecord;
    const recorded = { noiseBefore: inRecord(figures.noiseBefore), noiseAfter: inRecord(figures.noiseAfter) };
    if (confidence !== null && mapFile !== null) await writeFile(mapFile, confidencePicture(confidence));
    const told = { ...figures, mean: figures.mean / measured.scale };
    const ended = { modality: work.modality, quality, changed: image.changed, figures: told };
    if (work.frame !== null) {
      const { faults, part } = await finishFrame(work, work.frame, image, recorded, plan, outFile);
      return { value: { ...ended, faults, object: null, part } };
    }
    const { pixels } = image;
    const sourceUid = text(source.dataSet, 'SOPInstanceUID') ?? '';
    // Of this slice alone: the whole series' would be handed to a thread with each slice.
    const own = context.length === 0 ? plan : { ...plan, contextSlices: new Map([[sourceUid, context]]) };
    const bytes = deriveInstance(source, own, pixels, recorded, nowMs);
    const decoded = { ...source, pixels: stored };
    const faults = checkInstance(decoded, bytes, own, {
      largestChange: image.largestChange,
      isPlain: image.isPlain,
    });
    if (faults.length === 0) await writeSynced(outFile, bytes);
    const instance = {
      file: basename(outFile),
      sopInstanceUid: derivedInstanceUid(plan.seriesInstanceUid, sourceUid),
      sopClassUid: text(source.dataSet, 'SOPClassUID') ?? '',
      transferSyntaxUid: explicitLittleEndian,
      sha256: modelSha256(bytes),
      bytes: bytes.length,
      source: sourceUid,
    };
    const object = { instance, summary: summaryOf(decoded, bytes, pixels, plan) };
    return { value: { ...ended, faults, object, part: null } };
  },

  async complete(argument) {
    const { header } = await objectFile(argument.file);
    const description = pixelDescription(header.dataSet);
    if (isReason(description)) throw new LimpidError('DERIVE_CHECK_FAILED', description.code);
    const value = await completeObject({ ...header, description }, argument);
    headerLengths.delete(argument.outFile);
    return { value };
  },

  drop(names) {
    if (names === 'all') {
      works.clear();
      lent.clear();
      objects.clear();
      headerLengths.clear();
      shared.clear();
    } else {
      for (const name of names) {
        const work = works.get(name);
        if (work !== undefined) shared.giveBack(...new Set([work.measured.slice.values, work.seen, work.measured.map]));
        const values = lent.get(name);
        if (values !== undefined) shared.giveBack(values);
        works.delete(name);
        lent.delete(name);
      }
    }
    return Promise.resolve({ value: null });
  },
};
serve(methods);
