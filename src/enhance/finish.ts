/** The last step on pixels: blend, then the figures of before and after. */
import { blend } from '../imaging/blend.js';
import type { Blended } from '../imaging/blend.js';
import { structureFigures } from '../imaging/figures.js';
import { pixelsOf } from '../imaging/masks.js';
import type { EnhancedFigures } from './limits.js';
import { noiseRatio } from './noise.js';
import type { Measured, NoiseModality } from './noise.js';

/** Figures look at every fourth row and column: within 0.03 of all, at a third of the time. */
const figureStep = 4;
/** With less tissue than this (pixels) mean and structure say nothing. */
const leastTissue = 2000;

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

/** The slice with a share of the residual taken away, as its modality asks. */
export function blended(
  modality: NoiseModality,
  { slice, map, mask }: Measured,
  residual: Float32Array,
  share: number,
): Blended {
  return blend(slice, residual, map, share, mask, modality === 'CT' ? 'slice' : 'mask');
}

/**
 * @param residual of the model, in model units
 * @returns the enhanced slice and its figures, in model units
 */
export function finishFigures(
  modality: NoiseModality,
  measured: Measured,
  residual: Float32Array,
  share: number,
): { readonly values: Float32Array; readonly figures: EnhancedFigures } {
  const { slice, mask, sigma } = measured;
  const { values, meanShift } = blended(modality, measured, residual, share);
  const after = { ...slice, values };
  const ratio = noiseRatio(modality, measured, after);
  const { residualStructure, edgeRatio } = structureFigures(slice, after, mask, figureStep);
  const enough = pixelsOf(mask) >= leastTissue;
  return {
    values,
    figures: {
      noiseBefore: sigma,
      noiseAfter: sigma !== null && ratio !== null ? sigma * ratio : null,
      noiseRatio: ratio,
      meanShift: enough ? meanShift : null,
      residualStructure: enough ? residualStructure : null,
      edgeRatio,
      ...examine(values, mask),
    },
  };
}
