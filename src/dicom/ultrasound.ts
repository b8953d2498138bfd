// What may be enhanced of an ultrasound image: tissue in grey, no text, no calipers, no colour.
import type { Instance } from './file.js';
import type { PixelDescription } from './pixel-description.js';
import { transferSyntax } from './uids.js';
import { text } from './values.js';

/** Colour: channels that differ by more; conversion from YBR leaves a few. */
const greyWithin = 8;

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

/** What is left of full white where loss has changed it: less would leave a caliper's end behind, more costs only highlights. */
const whiteWithLoss = 0.9;

/** Text and calipers that are not in colour are drawn in full white: the grey from which a pixel counts as theirs. */
export function whiteFrom({ dataSet, part10 }: Instance, { bitsStored }: Pick<PixelDescription, 'bitsStored'>): number {
  const brightest = 2 ** bitsStored - 1;
  const isLossy =
    text(dataSet, 'LossyImageCompression') === '01' ||
    (transferSyntax(part10.transferSyntaxUid)?.lossyMethod ?? null) !== null;
  return isLossy ? Math.ceil(whiteWithLoss * brightest) : brightest;
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
