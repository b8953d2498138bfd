// Colour of ultrasound: how three samples of a pixel are laid out and what they mean (PS3.3 C.7.6.3.1.2, C.7.6.3.1.3). Inside limpid they
// are red, green and blue, pixel by pixel.
import { LimpidError } from '../errors.js';
import type { CodeStream } from './code-stream.js';
import type { Coding } from './uids.js';

/** Colours that limpid reads. Others are retired (YBR_PARTIAL_422) or of video (YBR_PARTIAL_420). */
export const colours = ['RGB', 'YBR_FULL', 'YBR_FULL_422', 'YBR_ICT', 'YBR_RCT'] as const;
export type Colour = (typeof colours)[number];

/** Whether a Photometric Interpretation is of a colour that limpid reads. */
export function isColour(photometric: string): photometric is Colour {
  return (colours as readonly string[]).includes(photometric);
}

/** Bytes of one native frame of 8-bit colour. Where every two pixels share their chrominance, it holds two samples a pixel. */
export function nativeSamples(photometric: string, samples: number): number {
  return photometric === 'YBR_FULL_422' ? 2 : samples;
}

/**
 * Why the colours of a compressed frame cannot be what the data set calls them; null where they can. A decoder gives the samples that the
 * frame holds, but for JPEG 2000, whose own turn it takes back.
 */
export function colourFault(photometric: string, { turned, lossless }: CodeStream, coding: Coding): string | null {
  const isJpeg2000 = coding === 'jpeg2000' || coding === 'htj2k';
  switch (photometric) {
    case 'RGB':
      return turned === true && !isJpeg2000 ? 'RGB, and its frames are YBR' : null;
    case 'YBR_FULL':
    case 'YBR_FULL_422':
      if (isJpeg2000 ? turned === true : turned === false) return `${photometric}, and its frames are RGB`;
      return photometric === 'YBR_FULL_422' && (coding !== 'jpeg' || lossless) ? `YBR_FULL_422 in ${coding}` : null;
    case 'YBR_ICT':
    case 'YBR_RCT':
      return isJpeg2000 && turned === true ? null : `${photometric}, and its frames are not`;
    default:
      return null;
  }
}

/** Red, green and blue of YBR_FULL samples, in place. */
export function toRgb<Samples extends Int32Array | Uint8Array>(samples: Samples): Samples {
  const limited = (value: number): number => Math.min(255, Math.max(0, Math.round(value)));
  for (let at = 0; at + 2 < samples.length; at += 3) {
    const [y, blue, red] = [samples[at] ?? 0, (samples[at + 1] ?? 0) - 128, (samples[at + 2] ?? 0) - 128];
    samples[at] = limited(y + 1.402 * red);
    samples[at + 1] = limited(y - 0.344136 * blue - 0.714136 * red);
    samples[at + 2] = limited(y + 1.772 * blue);
  }
  return samples;
}

/** Three planes, one behind the other, as pixels. */
export function pixelsOfPlanes(planes: Int32Array): Int32Array {
  const out = new Int32Array(planes.length);
  const count = planes.length / 3;
  for (let pixel = 0, at = 0; pixel < count; pixel++)
    for (let plane = 0; plane < 3; plane++) out[at++] = planes[plane * count + pixel] ?? 0;
  return out;
}

/** Pixels as three planes, one behind the other. */
export function planesOfPixels(pixels: Int32Array): Int32Array {
  const out = new Int32Array(pixels.length);
  const count = pixels.length / 3;
  for (let pixel = 0, at = 0; pixel < count; pixel++)
    for (let plane = 0; plane < 3; plane++) out[plane * count + pixel] = pixels[at++] ?? 0;
  return out;
}

/** Native YBR_FULL_422, two luminances and the chrominance of both, as YBR_FULL. */
export function widened422(pairs: Int32Array): Int32Array {
  if (pairs.length % 4 !== 0) throw new LimpidError('DICOM_UNDECODABLE', 'YBR_FULL_422 of an odd number of pixels');
  const out = new Int32Array((pairs.length / 2) * 3);
  for (let from = 0, to = 0; from < pairs.length; from += 4) {
    const [blue, red] = [pairs[from + 2] ?? 0, pairs[from + 3] ?? 0];
    for (let pixel = 0; pixel < 2; pixel++) {
      out[to++] = pairs[from + pixel] ?? 0;
      out[to++] = blue;
      out[to++] = red;
    }
  }
  return out;
}
