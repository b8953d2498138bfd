// A slice under way in a slice thread: what was taken from its file, and how it becomes the image that is written.
import { largestChange, storedRange, toModality, toStored } from '../dicom/rescale.js';
import type { StoredRange } from '../dicom/rescale.js';
import { greyOf, withGrey } from '../dicom/ultrasound.js';
import type { SourceInstance } from '../derive/derive-instance.js';
import { onNewGrid, onSourceGrid } from '../derive/grid.js';
import type { DerivationPlan } from '../derive/plan.js';
import type { ModelOutput } from '../enhance/fingerprint.js';
import { blended, finishFigures, gridFigures, judge } from '../enhance/finish.js';
import type { Quality } from '../enhance/finish.js';
import type { EnhancedFigures } from '../enhance/limits.js';
import type { Measured, NoiseModality } from '../enhance/noise.js';
import { LimpidError } from '../errors.js';
import { removeAirBias } from '../imaging/air-bias.js';
import type { Confidence } from '../imaging/confidence.js';
import type { LoudRule } from '../imaging/shares.js';
import { holdWithin } from '../imaging/resample.js';
import type { ValueRange } from '../imaging/resample.js';
import { times } from '../imaging/slice.js';
import { rangeOfMagnitude } from './zero-of-magnitude.js';

export interface Work {
  readonly modality: NoiseModality;
  readonly source: SourceInstance;
  /** Of ultrasound: what may change. */
  readonly region: Uint8Array | null;
  /** From 0; null in an object of one. */
  readonly frame: number | null;
  readonly stored: Int32Array;
  readonly measured: Measured;
  /** Values that the model is given: those that were measured, or a copy without padding. */
  readonly seen: Float32Array;
  /** Of what the model is given. */
  readonly fingerprint: number;
  /** Of the model's unit to the record's: HU, or stored values for MR. */
  readonly toRecord: number;
  residual: Float32Array | null;
}
/** The model's output, which must be of this slice and no other. @throws LimpidError DERIVE_CHECK_FAILED */
function ownOutput({ fingerprint }: Work, output: ModelOutput | null): Float32Array | null {
  if (output !== null && output.of !== fingerprint)
    throw new LimpidError('DERIVE_CHECK_FAILED', "PROVENANCE: the model's output is of another slice");
  return output?.residual ?? null;
}

export function takeResidual(work: Work, output: ModelOutput | null): Float32Array {
  const residual = ownOutput(work, output);
  // Magnitude noise has a mean where there is no signal: it stays, as the mean of the tissue does.
  if (residual !== null && work.modality === 'MR') removeAirBias(work.measured.slice, residual, work.measured.mask);
  work.residual = residual ?? work.residual;
  if (!work.residual) throw new LimpidError('INTERNAL', 'a slice without a residual');
  return work.residual;
}

/** An image as it is written, `[row][column]` of stored values, and what was meant before rounding. */
export interface Stored {
  readonly pixels: Int32Array;
  /** What of it is grey, or the one component that there is. */
  readonly grey: Int32Array;
  /** As the own check takes it. */
  readonly largestChange: number | null;
  /** As the own check takes it. */
  readonly isPlain: boolean;
  /** Whether any pixel differs from the source's. */
  readonly changed: boolean;
}

/** Stored values that an image may hold: those of Bits Stored, of MR none of a negative magnitude where its source has none. */
function storedRangeOf({ modality, source: { description }, stored }: Work): StoredRange {
  return modality === 'MR' ? rangeOfMagnitude(stored, description) : storedRange(description);
}

/** Values over a divisor: no product, which rounds otherwise. */
function quotients(values: Float32Array, divisor: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = values[i]! / divisor;
  return out;
}

/** The new values within the region, the old ones elsewhere. */
function within(region: Uint8Array, made: Int32Array, before: Int32Array): Int32Array {
  const out = before.slice();
  for (let i = 0; i < out.length; i++) if (region[i] !== 0) out[i] = made[i]!;
  return out;
}

function isSame(values: Int32Array, others: Int32Array): boolean {
  for (let i = 0; i < values.length; i++) if (values[i] !== others[i]) return false;
  return true;
}

/** Greys as the file will hold them. @param slice in model units. @param before greys of the source on the same grid */
function rounded(work: Work, slice: Float32Array, before: Int32Array) {
  const { source, region, measured } = work;
  const meant = quotients(slice, measured.scale);
  const made = toStored(meant, before, source.description, storedRangeOf(work));
  const grey = region === null ? made : within(region, made, before);
  return { meant, made, grey };
}

const inModelUnits = ({ source, measured }: Work, grey: Int32Array): Float32Array =>
  times(toModality(grey, source.description), measured.scale);

/** A slice as it will be read from its file, in model units: rounded to stored values. */
export function asWritten(work: Work, slice: Float32Array): Float32Array {
  return inModelUnits(work, rounded(work, slice, greyOf(work.stored, work.source.description)).grey);
}

/** Whether what a region holds has one value only: black behind marks and text, or nothing at all. */
function isPlainWithin(region: Uint8Array, grey: Int32Array): boolean {
  const first = grey[region.indexOf(1)];
  for (let i = 0; i < grey.length; i++) if (region[i] !== 0 && grey[i] !== first) return false;
  return true;
}

/** @param slice in model units */
function storedOf(work: Work, slice: Float32Array, plan: DerivationPlan): Stored {
  const { source, stored, region } = work;
  const { description } = source;
  const before = onNewGrid(greyOf(stored, description), description, plan);
  const { meant, made, grey } = rounded(work, slice, before);
  return {
    pixels: region === null ? made : withGrey(stored, made, region, description),
    grey,
    largestChange: plan.geometry === undefined ? largestChange(meant, before, description, region) : null,
    isPlain: region !== null && isPlainWithin(region, before),
    changed: !isSame(grey, before),
  };
}

/** An enhanced image as it is written, and its figures. */
export interface Enhanced {
  readonly image: Stored;
  readonly figures: EnhancedFigures;
  readonly confidence: Confidence | null;
  /** What it is like without a reference; null where nobody asks, and on a finer grid, where nothing can be compared. */
  readonly quality: Quality | null;
}

/** Its figures are those of what is written: what rounding takes back counts as not done. */
export function enhanceHere(
  work: Work,
  output: ModelOutput | null,
  {
    blend: share,
    loud,
    smoothLimit,
    judged,
    plan,
  }: {
    readonly blend: number;
    readonly loud: LoudRule | null;
    readonly smoothLimit: number | null;
    readonly judged: boolean;
    readonly plan: DerivationPlan;
  },
): Enhanced {
  const { modality, measured } = work;
  const meant = blended(modality, measured, takeResidual(work, output), share, loud);
  const image = storedOf(work, meant.values, plan);
  const values = inModelUnits(work, image.grey);
  const { figures, confidence } = finishFigures(measured, { ...meant, values }, smoothLimit);
  return { image, figures, confidence, quality: judged ? judge(modality, measured, values, figures) : null };
}

/** As `enhanceHere`: the figures are those of what is written. */
export function enhanceOnGrid(work: Work, output: ModelOutput | null, plan: DerivationPlan): Enhanced {
  const { measured, source, stored } = work;
  const { description } = source;
  const { geometry } = plan;
  const values = ownOutput(work, output);
  if (values === null || geometry === undefined) throw new LimpidError('INTERNAL', 'an image without its finer grid');
  const rows = description.rows * geometry.scale;
  const columns = description.columns * geometry.scale;
  // Pixels between the source's own have none of it to share what they cannot hold.
  if (geometry.sampling === 'half_pixel') holdWithin({ rows, columns, values }, geometry.scale, rangeOf(work));
  const image = storedOf(work, values, plan);
  const back = onSourceGrid(inModelUnits(work, image.grey), description, plan);
  const figures = gridFigures(measured, inModelUnits(work, greyOf(stored, description)), back);
  return { image, figures, confidence: null, quality: null };
}

/** What an image may hold, in model units. */
function rangeOf(work: Work): ValueRange {
  const { slope, intercept } = work.source.description;
  const stored = storedRangeOf(work);
  const ends = [stored.low, stored.high].map((value) => (value * slope + intercept) * work.measured.scale);
  return { low: Math.min(...ends), high: Math.max(...ends) };
}
