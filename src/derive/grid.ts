// The derived image's grid of pixels (conformance 3.4).
import type { PixelDescription } from '../dicom/pixel-description.js';
import type { DerivationPlan } from './plan.js';

/** How many new pixels there are to one of the source, along each axis; 1 on the source's own grid. */
export function scaleOf({ geometry }: DerivationPlan): number {
  return geometry?.scale ?? 1;
}

/** What the derived pixels are: the source's, on the plan's grid; colour as red, green and blue, as it was decoded. */
export function derivedDescription(description: PixelDescription, plan: DerivationPlan): PixelDescription {
  const scale = scaleOf(plan);
  const isYbr = description.photometric.startsWith('YBR');
  const colour = isYbr ? ({ photometric: 'RGB', byPlanes: false } as const) : {};
  return { ...description, ...colour, rows: description.rows * scale, columns: description.columns * scale };
}

/** Stored values of the source, each repeated for the new pixels that lie in it: padding is where it was. */
export function onNewGrid(pixels: Int32Array, { rows, columns }: PixelDescription, plan: DerivationPlan): Int32Array {
  const scale = scaleOf(plan);
  if (scale === 1) return pixels;
  const out = new Int32Array(pixels.length * scale * scale);
  for (let r = 0, to = 0; r < rows * scale; r++) {
    const line = Math.floor(r / scale) * columns;
    for (let c = 0; c < columns; c++) {
      const value = pixels[line + c] ?? 0;
      for (let i = 0; i < scale; i++) out[to++] = value;
    }
  }
  return out;
}

/**
 * Derived values as the source's grid has them: the mean of the new pixels that lie in one of the source, or, where they lie between
 * the source's own, the one at its place.
 */
export function onSourceGrid(values: Int32Array, source: PixelDescription, plan: DerivationPlan): Int32Array;
export function onSourceGrid(values: Float32Array, source: PixelDescription, plan: DerivationPlan): Float32Array;
export function onSourceGrid(
  values: Int32Array | Float32Array,
  { rows, columns }: PixelDescription,
  plan: DerivationPlan,
): Int32Array | Float32Array {
  const scale = scaleOf(plan);
  if (scale === 1) return values;
  const isBetween = plan.geometry?.sampling === 'asymmetric';
  const count = isBetween ? 1 : scale;
  const isExact = values instanceof Float32Array;
  const out = isExact ? new Float32Array(rows * columns) : new Int32Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      let sum = 0;
      for (let y = 0; y < count; y++) {
        for (let x = 0; x < count; x++) sum += values[(r * scale + y) * columns * scale + c * scale + x] ?? 0;
      }
      const mean = sum / (count * count);
      out[r * columns + c] = isExact ? mean : Math.round(mean);
    }
  }
  return out;
}
