// Stored pixel values of one frame, whatever the transfer syntax (PS3.5 section 8 and Annex A).
import { LimpidError } from '../errors.js';
import { codeStreamOf, hasBeginning, hasEnd } from './code-stream.js';
import { decodeFrame } from './codecs.js';
import { nativeSamples, pixelsOfPlanes, toRgb, widened422 } from './colour.js';
import type { DataSet, Element, Fragment } from './data-set.js';
import { joined } from './element.js';
import type { PixelDescription } from './pixel-description.js';
import { storedRange } from './rescale.js';
import { edgeBytes, StreamStarts } from './stream-starts.js';
import { transferSyntax } from './uids.js';
import type { TransferSyntax } from './uids.js';
import { find } from './values.js';

/** The machine's own order of bytes, in which native 16-bit pixels can be read without a loop over single bytes. */
export const hostIsLittle = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * Stored values of one frame, [row][column], of a colour image red, green and blue of each pixel: bits above Bits Stored cut off, sign extended.
 * @throws LimpidError DICOM_UNDECODABLE where pixel data are missing, short or damaged, or the syntax has no decoder
 */
export async function decodePixels(
  ds: DataSet,
  description: PixelDescription,
  transferSyntaxUid: string,
  frame = 0,
): Promise<Int32Array> {
  const syntax = transferSyntax(transferSyntaxUid);
  const element = find(ds, 'PixelData');
  if (syntax === undefined || element === undefined) {
    throw undecodable(element === undefined ? 'no Pixel Data' : 'transfer syntax is not known');
  }
  if (frame < 0 || frame >= description.frames) throw undecodable(`frame ${frame + 1} of ${description.frames}`);
  const isYbr = description.photometric === 'YBR_FULL' || description.photometric === 'YBR_FULL_422';
  const inRgb = (samples: Int32Array): Int32Array => (isYbr ? toRgb(samples) : samples);
  if (element.fragments === null) return inRgb(nativeColour(nativeFrame(ds, element, description, frame), description));
  const encoded = encodedFrame(ds, element.fragments, description.frames, frame);
  const decoded = await decodeFrameOf(encoded, description, syntax);
  return inRgb(unpacked(decoded, description, true));
}

/**
 * The decoded bytes of one frame, as `decodeFrame`, where loss is what the transfer syntax says of it and carried no value away.
 * @throws LimpidError DICOM_UNDECODABLE
 */
export async function decodeFrameOf(
  encoded: Uint8Array,
  description: PixelDescription,
  { coding, lossyMethod, name }: TransferSyntax,
): Promise<Uint8Array> {
  const decoded = await decodeFrame(encoded, description, coding);
  const isLossy = codeStreamOf(encoded, coding)?.lossy === true;
  // Nothing that is made of it would say so, and no gate could tell.
  if (isLossy && lossyMethod === null) throw undecodable(`a frame with loss in ${name}`);
  // It knows no sign: the highest value, one further, is the lowest.
  if (isLossy && coding === 'jpegls' && description.signed) throw undecodable(`signed pixels with loss in ${name}`);
  if (lossyMethod !== null) refuseBeyondBits(decoded, description);
  return decoded;
}

/** What loss has carried over the highest value would be cut off to the lowest, white to black. */
function refuseBeyondBits(decoded: Uint8Array, { bitsAllocated, bitsStored, signed }: PixelDescription): void {
  if (bitsStored === bitsAllocated) return;
  const unused = 32 - bitsAllocated;
  const { low, high } = storedRange({ bitsStored, signed });
  for (const sample of bitsAllocated === 8 ? decoded : words(decoded, true)) {
    const value = signed ? (sample << unused) >> unused : sample;
    if (value < low || value > high) throw undecodable(`a value of ${value} by loss, in ${bitsStored} bits`);
  }
}

/** Samples of each pixel side by side. */
function nativeColour(samples: Int32Array, { photometric, byPlanes }: PixelDescription): Int32Array {
  if (photometric === 'YBR_ICT' || photometric === 'YBR_RCT') throw undecodable(`native ${photometric} pixels`);
  if (photometric === 'YBR_FULL_422') return widened422(samples);
  return byPlanes ? pixelsOfPlanes(samples) : samples;
}

/** Bytes of one frame of native pixels. */
export function nativeFrameBytes({ rows, columns, samples, bitsAllocated, photometric }: PixelDescription): number {
  return rows * columns * nativeSamples(photometric, samples) * (bitsAllocated / 8);
}

/**
 * A byte that fills up is none, nor is what is too short for a frame; but of an object that says too small a number of its frames the
 * others would be missing in the derived one.
 * @throws LimpidError DICOM_UNDECODABLE
 */
export function refuseMoreFrames(bytes: number, description: PixelDescription): void {
  const expected = description.frames * nativeFrameBytes(description);
  if (bytes > expected + 1 && bytes >= expected + nativeFrameBytes(description))
    throw undecodable(`${bytes} bytes of pixel data hold more than the ${description.frames} of Number of Frames`);
}

/**
 * The same of the fragments of an object with one frame: none begins a code stream behind the end of another.
 * @throws LimpidError DICOM_UNDECODABLE
 */
export function refuseSecondStream(parts: readonly Uint8Array[]): void {
  const begun = parts.filter((part, index) => {
    const former = parts[index - 1];
    return former !== undefined && hasBeginning(part) && hasEnd(former);
  });
  if (begun.length > 0) throw undecodable(`${begun.length + 1} frames of pixel data, Number of Frames says 1`);
}

function nativeFrame(ds: DataSet, element: Element, description: PixelDescription, frame: number): Int32Array {
  const length = nativeFrameBytes(description);
  const start = element.valueOffset + frame * length;
  refuseMoreFrames(element.length, description);
  if ((frame + 1) * length > element.length) {
    throw undecodable(`${element.length} bytes of pixel data, ${(frame + 1) * length} expected`);
  }
  const little = ds.encoding.littleEndian;
  const raw = ds.bytes.subarray(start, start + length);
  // Bytes in words of 16 bits stand in the order of the words.
  const wordSwapped = !little && description.bitsAllocated === 8 && element.vr === 'OW';
  return unpacked(wordSwapped ? swappedPairs(ds.bytes, start, element, length) : raw, description, little);
}

/** Bytes `start` to `start + length` of big endian words as the sequence of samples they hold. */
function swappedPairs(bytes: Uint8Array, start: number, element: Element, length: number): Uint8Array {
  const out = new Uint8Array(length);
  for (let index = 0; index < length; index++) {
    out[index] = bytes[element.valueOffset + ((start - element.valueOffset + index) ^ 1)] ?? 0;
  }
  return out;
}

/** Samples as 32-bit integers, masked to Bits Stored. */
function unpacked(raw: Uint8Array, description: PixelDescription, littleEndian: boolean): Int32Array {
  const { bitsAllocated, bitsStored, signed } = description;
  const samples = bitsAllocated === 8 ? raw : words(raw, littleEndian);
  const out = new Int32Array(samples.length);
  const shift = 32 - bitsStored;
  if (signed) {
    for (let index = 0; index < out.length; index++) out[index] = ((samples[index] ?? 0) << shift) >> shift;
  } else {
    for (let index = 0; index < out.length; index++) out[index] = ((samples[index] ?? 0) << shift) >>> shift;
  }
  return out;
}

/** 16-bit words of the bytes, over the same memory where the machine's order and alignment allow. */
export function words(raw: Uint8Array, littleEndian: boolean): Uint16Array {
  const count = raw.length >> 1;
  if (littleEndian === hostIsLittle) {
    if (raw.byteOffset % 2 === 0) return new Uint16Array(raw.buffer, raw.byteOffset, count);
    // Not slice(): a Buffer's is no copy.
    return new Uint16Array(new Uint8Array(raw).buffer, 0, count);
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const out = new Uint16Array(count);
  for (let index = 0; index < count; index++) out[index] = view.getUint16(2 * index, littleEndian);
  return out;
}

const pieceOf =
  (ds: DataSet) =>
  ({ offset, length }: Fragment): Uint8Array =>
    ds.bytes.subarray(offset, offset + length);

/** Whether nothing but the code streams themselves can say which of so many fragments are a frame's. */
export function areToldByStreams(table: Uint8Array, count: number, frames: number): boolean {
  return frames > 1 && count > frames && table.length === 0;
}

/** Of objects that have been asked for: each frame asks again. */
const known = new WeakMap<readonly Fragment[], readonly number[]>();

function streamStarts(ds: DataSet, fragments: readonly Fragment[]): readonly number[] {
  const found = known.get(fragments);
  if (found !== undefined) return found;
  const starts = new StreamStarts();
  for (const piece of fragments.slice(1).map(pieceOf(ds))) starts.add(piece, piece.subarray(-edgeBytes));
  known.set(fragments, starts.whole);
  return starts.whole;
}

/** One frame's code stream. */
export function encodedFrame(ds: DataSet, fragments: readonly Fragment[], frames: number, frame: number): Uint8Array {
  const piece = pieceOf(ds);
  const [table] = fragments;
  const offsets = table === undefined ? joined([]) : piece(table);
  const starts = areToldByStreams(offsets, fragments.length - 1, frames) ? streamStarts(ds, fragments) : [];
  const own = fragmentsFrom(1, fragments, { offsets, starts, frames, frame }).map(piece);
  if (frames === 1) refuseSecondStream(own);
  return own.length === 1 ? (own[0] ?? joined([])) : joined(own);
}

/**
 * The fragments of one frame (PS3.5 A.4): one each, or where a frame has several by the offset table, and without one by the streams.
 *
 * @param table value of the Basic Offset Table; may be empty
 * @param data the other fragments, in the order of the file
 * @param starts where whole streams begin among them, where `areToldByStreams`
 * @throws LimpidError DICOM_UNDECODABLE where nobody can say which fragments are the frame's
 */
export function frameFragments(
  table: Uint8Array,
  data: readonly Fragment[],
  frames: number,
  frame: number,
  starts: readonly number[] = [],
): readonly Fragment[] {
  return fragmentsFrom(0, data, { offsets: table, starts, frames, frame });
}

/** The same of fragments whose first `skipped` are no pixels. Neither copied nor gone through: an object may have many, and each frame asks. */
function fragmentsFrom(
  skipped: 0 | 1,
  fragments: readonly Fragment[],
  {
    offsets,
    starts,
    frames,
    frame,
  }: {
    readonly offsets: Uint8Array;
    readonly starts: readonly number[];
    readonly frames: number;
    readonly frame: number;
  },
): readonly Fragment[] {
  const first = fragments[skipped];
  const count = fragments.length - skipped;
  if (first === undefined) throw undecodable('no fragment of pixel data');
  if (frames === 1) return fragments.slice(skipped);
  if (count === frames) return fragments.slice(skipped + frame, skipped + frame + 1);
  const begun = starts[frame];
  // As many whole streams as frames: no other number would say which of them are.
  if (begun !== undefined && starts.length === frames && areToldByStreams(offsets, count, frames))
    return fragments.slice(skipped + begun, skipped + (starts[frame + 1] ?? count));
  if (offsets.length !== frames * 4) {
    const kind = offsets.length === 0 ? 'no offset table' : `an offset table of ${offsets.length / 4}`;
    // one that has fewer fragments than frames lacks some: no table could tell whose
    throw undecodable(`${count} fragments for ${frames} frames${count < frames ? '' : `, ${kind}`}`);
  }
  const view = new DataView(offsets.buffer, offsets.byteOffset, offsets.length);
  // Offsets count from the first fragment's item tag.
  const base = first.offset - 8;
  const start = base + view.getUint32(4 * frame, true);
  const end = frame + 1 < frames ? base + view.getUint32(4 * (frame + 1), true) : Infinity;
  const from = placeOf(start + 8, fragments, skipped);
  if (start >= end || fragments[from]?.offset !== start + 8)
    throw undecodable('offset table does not fit the fragments');
  return fragments.slice(from, placeOf(end + 8, fragments, from));
}

/** Index, from `least` on, of the first fragment that does not lie before an offset; they lie in the order of the file. */
function placeOf(offset: number, fragments: readonly Fragment[], least: number): number {
  let [low, high] = [least, fragments.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((fragments[middle]?.offset ?? Infinity) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function undecodable(what: string): LimpidError {
  return new LimpidError('DICOM_UNDECODABLE', what);
}
