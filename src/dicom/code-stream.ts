// What the header of a compressed frame says of itself, read before a decoder sees the frame: a decoder allocates what the frame claims,
// and some write as many pixels as the data set has, whatever the frame holds (ISO 10918-1 B.2.2, 14495-1 C.2.2, 15444-1 A.5.1).
import type { Coding } from './uids.js';

export interface CodeStream {
  readonly rows: number;
  readonly columns: number;
  readonly components: number;
  /** Bits of a sample. */
  readonly precision: number;
  /** JPEG 2000 says it; null where the coding does not. */
  readonly signed: boolean | null;
  /** JPEG with prediction in place of the cosine transform. */
  readonly lossless: boolean;
  /**
   * Whether colour was turned to luminance and chrominance: JPEG 2000 says it, JPEG with cosine transform by the segments of JFIF and
   * Adobe, and without them by its components; null where nothing says it.
   */
  readonly turned: boolean | null;
  /** JPEG-LS with a scan for each component: its decoder gives them as planes, one behind the other. */
  readonly byPlanes: boolean;
  /** Cosines, samples near their values or without their low bits, or wavelets that are rounded: nobody gets back what went in. */
  readonly lossy: boolean;
}

/** The header of the frame; null where there is none that can be read. RLE has none: see `rle.ts`. */
export function codeStreamOf(encoded: Uint8Array, coding: Coding): CodeStream | null {
  if (coding === 'jpeg' || coding === 'jpegls') return jpegHeader(encoded);
  if (coding === 'jpeg2000' || coding === 'htj2k') return jpeg2000Header(encoded);
  return null;
}

/** Whether bytes begin with the Start of Image of JPEG and JPEG-LS or the Start of Codestream of JPEG 2000, and a marker behind it. */
export function hasBeginning([first, second, third]: Uint8Array): boolean {
  return first === 0xff && (second === 0xd8 || second === 0x4f) && third === 0xff;
}

/** Whether a frame ends with its End of Image (JPEG, JPEG-LS) or End of Codestream (JPEG 2000), and padding. */
export function hasEnd(encoded: Uint8Array): boolean {
  let end = encoded.length;
  while (end > 2 && (encoded[end - 1] === 0 || (encoded[end - 1] === 0xff && encoded.length - end < 2))) end--;
  return encoded[end - 1] === 0xd9 && encoded[end - 2] === 0xff;
}

/** Start of frame: C0 to CF but for DHT, JPG and DAC; F7 in JPEG-LS. */
const isFrameHeader = (marker: number): boolean =>
  marker === 0xf7 || (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc);

function jpegHeader(bytes: Uint8Array): CodeStream | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  let at = 2;
  let [isJfif, adobe] = [false, null as boolean | null];
  while (at + 10 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) {
      at++; // fill
    } else if (isFrameHeader(marker)) {
      const components = view.getUint8(at + 9);
      const scan = scanOf(view, at);
      return {
        precision: view.getUint8(at + 4),
        rows: view.getUint16(at + 5),
        columns: view.getUint16(at + 7),
        components,
        signed: null,
        lossless: marker === 0xc3 || marker === 0xf7,
        turned: marker === 0xc3 || marker === 0xf7 ? null : isJfif || (adobe ?? isTurnedByComponents(bytes, at)),
        byPlanes: marker === 0xf7 && components > 1 && scan?.components === 1,
        lossy: marker === 0xf7 ? (scan?.near ?? 0) > 0 : marker !== 0xc3 || (scan?.shift ?? 0) > 0,
      };
    } else if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xda)) {
      return null; // no segment, or the scan before its frame header
    } else {
      const length = view.getUint16(at + 2);
      if (marker === 0xe0 && segmentBegins(bytes, at, 'JFIF\0')) isJfif = true;
      if (marker === 0xee && length >= 14 && segmentBegins(bytes, at, 'Adobe')) adobe = bytes[at + 15] !== 0;
      at += 2 + length;
    }
  }
  return null;
}

/**
 * What three components say by themselves: those that hold fewer samples than the first are chrominance; who calls them R, G and B means
 * it, as libjpeg does. @param frame its header: behind the number of components each has its id, sampling factors and table
 */
function isTurnedByComponents(bytes: Uint8Array, frame: number): boolean | null {
  const of = (component: number, byte: 0 | 1): number | undefined => bytes[frame + 10 + 3 * component + byte];
  if (bytes[frame + 9] !== 3) return null;
  if (of(0, 1) !== of(1, 1) || of(0, 1) !== of(2, 1)) return true;
  return String.fromCharCode(of(0, 0) ?? 0, of(1, 0) ?? 0, of(2, 0) ?? 0) === 'RGB' ? false : null;
}

/** Whether an application's segment begins with this word. */
function segmentBegins(bytes: Uint8Array, segment: number, word: string): boolean {
  return Buffer.from(bytes.subarray(segment + 4, segment + 4 + word.length)).toString('latin1') === word;
}

/**
 * The first scan behind a segment; null: there is none. `near`: how far samples may be off (ISO 14495-1 C.2.3). `shift`: low bits that a
 * point transform has cut off (ISO 10918-1 B.2.3, H.1.2.1).
 */
function scanOf(view: DataView, segment: number): { components: number; near: number; shift: number } | null {
  let at = segment;
  while (at + 5 <= view.byteLength && view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xda) {
      const components = view.getUint8(at + 4);
      const near = at + 5 + 2 * components;
      const byteAt = (place: number): number => (place < view.byteLength ? view.getUint8(place) : 0);
      return { components, near: byteAt(near), shift: byteAt(near + 2) & 0xf };
    }
    at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2);
  }
  return null;
}

const jp2Signature = 0x6a502020;
const codeStreamBox = 0x6a703263;

function jpeg2000Header(bytes: Uint8Array): CodeStream | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  if (bytes.length >= 12 && view.getUint32(4) === jp2Signature) {
    // The JP2 file format around the code stream is forbidden (PS3.5 A.4.4), but seen.
    while (at + 8 <= bytes.length && view.getUint32(at + 4) !== codeStreamBox) at += Math.max(8, view.getUint32(at));
    at += 8;
  }
  if (at + 45 > bytes.length || view.getUint32(at) !== 0xff4fff51) return null;
  const size = (offset: number): number => view.getUint32(at + offset);
  const components = view.getUint16(at + 40);
  const depth = view.getUint8(at + 42);
  // Components: depth, then how many columns and rows of the grid one sample stands for.
  for (let component = 0; component < components; component++) {
    const of = at + 42 + 3 * component;
    if (of + 3 > bytes.length || bytes[of] !== depth || bytes[of + 1] !== 1 || bytes[of + 2] !== 1) return null;
  }
  const style = codingStyle(view, at + 2);
  return {
    columns: size(8) - size(16),
    rows: size(12) - size(20),
    components,
    precision: (depth & 0x7f) + 1,
    signed: (depth & 0x80) !== 0,
    lossless: false,
    turned: style === null ? null : view.getUint8(style + 8) === 1,
    byPlanes: false,
    lossy: style !== null && view.getUint8(style + 13) === 0,
  };
}

/** Place of the coding style: whether three components were turned, and which wavelets are used (ISO 15444-1 A.6.1); null where there is none. */
function codingStyle(view: DataView, firstSegment: number): number | null {
  for (let at = firstSegment; at + 14 <= view.byteLength; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint16(at);
    if (marker === 0xff52) return at;
    if (marker < 0xff01 || marker === 0xff90) return null; // no segment, or the first tile
  }
  return null;
}
