/** The last step on pixels: blend, then the figures of before and after. */
import { blend, leastTissue } from '../imaging/blend.js';
import type { Blended, Over } from '../imaging/blend.js';
import { confidenceMap, confidentShare } from '../imaging/confidence.js';
import type { Confidence, Smooth } from '../imaging/confidence.js';
import { structureFigures, thinned } from '../imaging/figures.js';
import { periodicPattern } from '../imaging/periodic.js';
import { largestOf, smoothChanges, smoothStep } from '../imaging/smooth-change.js';
import { difference } from '../imaging/slice.js';
import type { Slice } from '../imaging/slice.js';
import { pixelsOf } from '../imaging/masks.js';
import { sharesOf } from '../imaging/shares.js';
import type { LoudRule } from '../imaging/shares.js';
import type { SliceQuality } from '../imaging/grade.js';
import { qualityOf } from '../imaging/quality.js';
import type { EnhancedFigures } from './limits.js';
import { noiseRatio } from './noise.js';
import type { Measured, NoiseModality } from './noise.js';

/** Figures look at every fourth row and column: within 0.03 of all, at a third of the time. */
const figureStep = smoothStep;

/** Whether every value is a number, and the mean over the mask. */
function examine(values: Float32Array, mask: Uint8Array): { finite: boolean; mean: number } {
  let finite = true;
  let [sum, count] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (!Number.isFinite(value)) finite = false;
    if (mask[i] === 1) {
      sum += value;
      count++;
    }
  }
  return { finite, mean: count > 0 ? sum / count : 0 };
}

/** A slice with a share of the residual taken away. */
export interface BlendedSlice extends Blended {
  /** What was taken of the residual, place by place. */
  readonly shares: Float32Array;
}

const keepsMean: Readonly<Record<NoiseModality, Over>> = { CT: 'slice', MR: 'mask', US: 'region' };

/** Takes a share of the residual away, as its modality and its model's card ask. @param loud of the card; null: the same share everywhere */
export function blended(
  modality: NoiseModality,
  { slice, map, mask, sigma }: Measured,
  residual: Float32Array,
  share: number,
  loud: LoudRule | null,
): BlendedSlice {
  const shares = sharesOf(share, { ...slice, values: map }, mask, sigma, loud);
  return { ...blend(slice, residual, map, shares, mask, keepsMean[modality]), shares };
}

/** What a slice was and is like without a reference, measured on the same tissue. */
export interface Quality {
  readonly before: SliceQuality;
  readonly after: SliceQuality;
}

/** Measures a slice on its tissue. @param sigma its noise, in model units */
export function qualityOfSlice(
  modality: NoiseModality,
  { slice, mask }: Measured,
  values: Float32Array,
  sigma: number | null,
): SliceQuality {
  return qualityOf(modality === 'CT' ? 'CT' : 'MR', { ...slice, values }, mask, sigma);
}

/** Measures an enhanced slice and what it was. @param after in model units */
export function judge(
  modality: NoiseModality,
  measured: Measured,
  after: Float32Array,
  { noiseBefore, noiseAfter }: Pick<EnhancedFigures, 'noiseBefore' | 'noiseAfter'>,
): Quality {
  return {
    before: qualityOfSlice(modality, measured, measured.slice.values, noiseBefore),
    after: qualityOfSlice(modality, measured, after, noiseAfter),
  };
}

/**
 * The figures of an image on a finer grid.
 *
 * @param source its values on the source's grid, in model units
 * @param back what is written, brought back onto that grid
 */
export function gridFigures({ mask, sigma }: Measured, source: Float32Array, back: Float32Array): EnhancedFigures {
  let squares = 0;
  for (let i = 0; i < back.length; i++) squares += ((back[i] ?? 0) - (source[i] ?? 0)) ** 2;
  return {
    noiseBefore: sigma,
    noiseAfter: null,
    noiseRatio: null,
    meanShift: null,
    confidence: null,
    residualStructure: null,
    edgeRatio: null,
    periodic: null,
    smoothChange: null,
    sourceAgain: Math.sqrt(squares / back.length),
    ...examine(back, mask),
  };
}

/** @param taken of every `figureStep`-th pixel of a slice of `rows` x `columns` */
function confidenceOf(
  taken: Slice,
  gradient: Float32Array,
  map: Float32Array,
  shares: Float32Array,
  smooth: Smooth,
): Confidence {
  const [rows, columns] = [Math.ceil(taken.rows / figureStep), Math.ceil(taken.columns / figureStep)];
  const expected = new Float32Array(rows * columns);
  for (let i = 0; i < expected.length; i++) {
    const at = Math.floor(i / columns) * figureStep * taken.columns + (i % columns) * figureStep;
    expected[i] = shares[at]! * map[at]!;
  }
  return confidenceMap({ rows, columns, values: taken.values }, gradient, expected, smooth);
}

/**
 * Figures of an enhanced slice.
 *
 * @param values as the file will hold them, rounded, in model units: what rounding takes back counts as not done
 * @param smoothLimit of the model's card; null: none
 */
export function finishFigures(
  measured: Measured,
  { values, meanShift, shares }: BlendedSlice,
  smoothLimit: number | null,
): { readonly figures: EnhancedFigures; readonly confidence: Confidence } {
  const { slice, mask, sigma, map } = measured;
  const after = { ...slice, values };
  const ratio = noiseRatio(measured, after);
  const { residualStructure, edgeRatio, taken, gradient } = structureFigures(slice, after, mask, figureStep);
  const away = { ...slice, values: difference(slice.values, values) };
  const changes = smoothChanges(away, map, sigma);
  const smooth = { changes, limit: smoothLimit };
  const confidence = confidenceOf({ ...slice, values: taken }, gradient, map, shares, smooth);
  const enough = pixelsOf(mask) >= leastTissue;
  return {
    confidence,
    figures: {
      noiseBefore: sigma,
      noiseAfter: sigma !== null && ratio !== null ? sigma * ratio : null,
      noiseRatio: ratio,
      meanShift: enough ? meanShift : null,
      confidence: enough ? confidentShare(confidence, thinned(mask, slice.rows, slice.columns, figureStep)) : null,
      residualStructure: enough ? residualStructure : null,
      edgeRatio,
      periodic: periodicPattern(away, map),
      smoothChange: largestOf(changes),
      ...examine(values, mask),
    },
  };
}
