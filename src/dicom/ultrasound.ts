// Where an ultrasound image shows tissue in grey, and nothing else (PS3.3 C.8.5.5): what may be enhanced.
import type { DataSet } from './data-set.js';
import type { PixelDescription } from './pixel-description.js';
import { items, number } from './values.js';

/** Region Spatial Format 2D, Region Data Types Tissue and Color Flow. */
const twoDimensional = 1;
const tissue = 1;
const colourFlow = 2;
/** Colour: channels that differ by more; conversion from YBR leaves a few. */
const greyWithin = 8;

interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

function rectangles(ds: DataSet, type: number): Rectangle[] {
  return items(ds, 'SequenceOfUltrasoundRegions').flatMap((region) => {
    const [left, top, right, bottom] = ['MinX0', 'MinY0', 'MaxX1', 'MaxY1'].map((end) =>
      number(region, `RegionLocation${end}`),
    );
    const is = number(region, 'RegionDataType') === type && number(region, 'RegionSpatialFormat') === twoDimensional;
    const known = left !== undefined && left !== null && top !== undefined && top !== null;
    return is && known && typeof right === 'number' && typeof bottom === 'number' ? [{ left, top, right, bottom }] : [];
  });
}

/** Whether the object says where its tissue is. */
export function hasTissueRegion(ds: DataSet): boolean {
  return rectangles(ds, tissue).length > 0;
}

/** 1 within a two-dimensional tissue region and outside every colour box, `[row][column]`. */
export function tissueRegions(ds: DataSet, { rows, columns }: Pick<PixelDescription, 'rows' | 'columns'>): Uint8Array {
  const mask = new Uint8Array(rows * columns);
  const paint = ({ left, top, right, bottom }: Rectangle, value: 0 | 1): void => {
    for (let r = Math.max(0, top); r <= Math.min(rows - 1, bottom); r++)
      mask.fill(value, r * columns + Math.max(0, left), r * columns + Math.min(columns - 1, right) + 1);
  };
  for (const region of rectangles(ds, tissue)) paint(region, 1);
  for (const box of rectangles(ds, colourFlow)) paint(box, 0);
  return mask;
}

/** 1 where a pixel is coloured, `[row][column]`; null where the image has no colour. @param stored red, green, blue of each pixel */
export function colouredPixels(stored: Int32Array, { samples }: Pick<PixelDescription, 'samples'>): Uint8Array | null {
  if (samples !== 3) return null;
  const out = new Uint8Array(stored.length / 3);
  for (let i = 0, at = 0; i < out.length; i++, at += 3) {
    const [red, green, blue] = [stored[at] ?? 0, stored[at + 1] ?? 0, stored[at + 2] ?? 0];
    if (Math.abs(red - green) > greyWithin || Math.abs(green - blue) > greyWithin) out[i] = 1;
  }
  return out;
}

/** Grey of each pixel, `[row][column]`: of a colour image its green. */
export function greyOf(stored: Int32Array, { samples }: Pick<PixelDescription, 'samples'>): Int32Array {
  if (samples === 1) return stored;
  return Int32Array.from({ length: stored.length / 3 }, (_, index) => stored[3 * index + 1] ?? 0);
}

/**
 * The image with other greys where the mask allows: each channel moves by what the grey moved, so that grey stays grey. Elsewhere the
 * very values of the source.
 */
export function withGrey(
  stored: Int32Array,
  grey: Int32Array,
  mask: Uint8Array,
  { samples, bitsStored }: Pick<PixelDescription, 'samples' | 'bitsStored'>,
): Int32Array {
  const out = stored.slice();
  const before = greyOf(stored, { samples });
  const most = 2 ** bitsStored - 1;
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] !== 1) continue;
    const moved = (grey[i] ?? 0) - (before[i] ?? 0);
    for (let at = i * samples; at < (i + 1) * samples; at++)
      out[at] = Math.min(most, Math.max(0, (stored[at] ?? 0) + moved));
  }
  return out;
}

/** Red, green and blue of YBR_FULL samples (PS3.3 C.7.6.3.1.2), in place. */
export function toRgb(samples: Int32Array): Int32Array {
  const limited = (value: number): number => Math.min(255, Math.max(0, Math.round(value)));
  for (let at = 0; at < samples.length; at += 3) {
    const [y, blue, red] = [samples[at] ?? 0, (samples[at + 1] ?? 0) - 128, (samples[at + 2] ?? 0) - 128];
    samples[at] = limited(y + 1.402 * red);
    samples[at + 1] = limited(y - 0.344136 * blue - 0.714136 * red);
    samples[at + 2] = limited(y + 1.772 * blue);
  }
  return samples;
}
