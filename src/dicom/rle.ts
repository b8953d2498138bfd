// RLE Lossless (PS3.5 Annex G). Written here because the codecs' decoder leaves pixels unset, without a word, where segments are short.
import { LimpidError } from '../errors.js';

const headerBytes = 64;
const mostSegments = 15;

/**
 * Samples of one frame, little endian, pixel by pixel.
 * @param pixels rows x columns
 * @param bytesAPixel samples a pixel x bytes a sample; each byte has a segment of its own, the most significant of a sample first
 * @param bytesASample 1 or 2
 * @throws LimpidError DICOM_UNDECODABLE where header or segments do not give exactly these pixels
 */
export function decodeRle(encoded: Uint8Array, pixels: number, bytesAPixel: number, bytesASample: number): Uint8Array {
  if (encoded.length < headerBytes) throw damaged('no RLE header');
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  const segments = view.getUint32(0, true);
  if (segments !== bytesAPixel || segments > mostSegments) {
    throw damaged(`${segments} RLE segments, ${bytesAPixel} expected`);
  }
  const out = new Uint8Array(pixels * bytesAPixel);
  for (let segment = 0; segment < segments; segment++) {
    const start = view.getUint32(4 + 4 * segment, true);
    const end = segment + 1 < segments ? view.getUint32(8 + 4 * segment, true) : encoded.length;
    if (start < headerBytes || end < start || end > encoded.length)
      throw damaged('RLE segments do not lie in the frame');
    const sample = Math.floor(segment / bytesASample);
    const place = sample * bytesASample + (bytesASample - 1 - (segment % bytesASample));
    unpack(encoded.subarray(start, end), out, place, bytesAPixel);
  }
  return out;
}

/** Fills every `stride`-th byte of `out` from `place` on. */
function unpack(segment: Uint8Array, out: Uint8Array, place: number, stride: number): void {
  let at = 0;
  let to = place;
  while (to < out.length) {
    const control = segment[at++];
    if (control === undefined) throw damaged('an RLE segment is short');
    if (control === 128) continue; // no operation
    const count = control < 128 ? control + 1 : 257 - control;
    const last = to + (count - 1) * stride;
    if (last >= out.length) throw damaged('an RLE run reaches behind the image');
    if (control < 128) {
      if (at + count > segment.length) throw damaged('an RLE segment is short');
      for (; to <= last; to += stride) out[to] = segment[at++] ?? 0;
    } else {
      const value = segment[at++];
      if (value === undefined) throw damaged('an RLE segment is short');
      for (; to <= last; to += stride) out[to] = value;
    }
  }
  // Behind the pixels only padding may stand: more would be another image's data, or damage.
  if (segment.subarray(at).some((byte) => byte !== 0 && byte !== 128)) throw damaged('an RLE segment is too long');
}

function damaged(what: string): LimpidError {
  return new LimpidError('DICOM_UNDECODABLE', what);
}
