// The derived pixels and what the header says of them (conformance 3.3).
import { planesOfPixels } from '../dicom/colour.js';
import type { DataSet } from '../dicom/data-set.js';
import { encodeElement, header, joined } from '../dicom/element.js';
import { copiedElement } from '../dicom/explicit-le.js';
import type { PixelDescription } from '../dicom/pixel-description.js';
import { hostIsLittle } from '../dicom/pixels.js';
import { storedRange } from '../dicom/rescale.js';
import { transferSyntax } from '../dicom/uids.js';
import { find, hasValue, text } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import { isRecoloured, writable } from './attributes.js';
import { written } from './encode.js';
import type { Written } from './encode.js';

/**
 * Pixel Data, smallest and largest value (if the source has them), lossy history.
 * @throws LimpidError DERIVE_CHECK_FAILED for pixels that do not fit the description
 */
export function pixelElements(
  source: DataSet,
  description: PixelDescription,
  pixels: Int32Array,
  transferSyntaxUid: string,
): Written[] {
  const range = rangeOf(pixels, description, description.frames);
  const tag = writable('PixelData');
  const bytes = framePixels(pixels, description);
  const padded = joined([
    header(tag, vrOfPixels(description), even(bytes.length)),
    bytes,
    new Uint8Array(bytes.length & 1),
  ]);
  return described(source, description, range, { tag, bytes: padded }, transferSyntaxUid);
}

/** What was decoded from YBR is written as RGB, pixel by pixel: the standard has no uncompressed YBR_FULL of ultrasound (PS3.3 C.8.5.6). */
function colourElements(source: DataSet): Written[] {
  if (!isRecoloured(source)) return [];
  return [
    { tag: 0x00280004, bytes: encodeElement(0x00280004, 'CS', 'RGB') },
    { tag: 0x00280006, bytes: encodeElement(0x00280006, 'US', 0) },
  ];
}

/** Smallest and largest stored value. */
export interface PixelRange {
  readonly smallest: number;
  readonly largest: number;
}

/**
 * The same for an object whose frames are written one by one: of Pixel Data the header alone.
 *
 * @param range over all frames
 */
export function headerElements(
  source: DataSet,
  description: PixelDescription,
  range: PixelRange,
  transferSyntaxUid: string,
): Written[] {
  const tag = writable('PixelData');
  const { rows, columns, samples, frames, bitsAllocated } = description;
  const length = rows * columns * samples * frames * (bitsAllocated / 8);
  const bytes = header(tag, vrOfPixels(description), even(length));
  return described(source, description, range, { tag, bytes }, transferSyntaxUid);
}

const even = (length: number): number => length + (length & 1);
const vrOfPixels = ({ bitsAllocated }: PixelDescription): string => (bitsAllocated > 8 ? 'OW' : 'OB');

function described(
  source: DataSet,
  description: PixelDescription,
  { smallest, largest }: PixelRange,
  pixelData: Written,
  transferSyntaxUid: string,
): Written[] {
  const elements = [pixelData, ...colourElements(source), ...lossyElements(source, transferSyntaxUid)];
  for (const [keyword, value] of [
    ['SmallestImagePixelValue', smallest],
    ['LargestImagePixelValue', largest],
  ] as const) {
    if (find(source, keyword) === undefined) continue;
    const own = writable(keyword);
    elements.push({ tag: own, bytes: encodeElement(own, description.signed ? 'SS' : 'US', value) });
  }
  return elements;
}

/**
 * Smallest and largest of the pixels of some frames.
 * @throws LimpidError DERIVE_CHECK_FAILED where they are too few or too many, or do not fit Bits Stored
 */
export function rangeOf(pixels: Int32Array, description: PixelDescription, frames: number): PixelRange {
  const expected = description.rows * description.columns * description.samples * frames;
  if (pixels.length !== expected) throw wrong(`${pixels.length} pixels, ${expected} expected`);
  let smallest = pixels[0] ?? 0;
  let largest = smallest;
  for (let index = 0; index < pixels.length; index++) {
    const value = pixels[index] ?? 0;
    if (value < smallest) smallest = value;
    if (value > largest) largest = value;
  }
  const { low, high } = storedRange(description);
  if (smallest < low || largest > high)
    throw wrong(`values ${smallest} to ${largest} do not fit ${description.bitsStored} bits`);
  return { smallest, largest };
}

/** Little endian samples, in planes where the derived object's are; bits above High Bit follow by themselves: zero, or the sign's extension. */
export function framePixels(pixels: Int32Array, { bitsAllocated, byPlanes }: PixelDescription): Uint8Array {
  const size = bitsAllocated / 8;
  const out = new Uint8Array(pixels.length * size);
  if (size === 1) out.set(byPlanes ? planesOfPixels(pixels) : pixels);
  else if (hostIsLittle) new Uint16Array(out.buffer, 0, pixels.length).set(pixels);
  else {
    const view = new DataView(out.buffer);
    for (let index = 0; index < pixels.length; index++) view.setUint16(2 * index, pixels[index] ?? 0, true);
  }
  return out;
}

/** History never goes away, and a syntax that has lost something is a step of it. */
function lossyElements(source: DataSet, transferSyntaxUid: string): Written[] {
  const keep = (keyword: string): Written[] => {
    const element = find(source, keyword);
    if (element === undefined) return [];
    return [{ tag: element.tag, bytes: joined(copiedElement(source, element)) }];
  };
  const flag = text(source, 'LossyImageCompression');
  const method = transferSyntax(transferSyntaxUid)?.lossyMethod ?? null;
  // Ratio and method without the flag say nothing: they go.
  if (flag !== '01' && method === null) return keep('LossyImageCompression');
  const former = hasValue(source, 'LossyImageCompressionMethod') ? keep('LossyImageCompressionMethod') : [];
  return [
    written('LossyImageCompression', '01'),
    ...keep('LossyImageCompressionRatio'),
    ...(former.length > 0 || method === null ? former : [written('LossyImageCompressionMethod', method)]),
  ];
}

function wrong(what: string): LimpidError {
  return new LimpidError('DERIVE_CHECK_FAILED', what);
}
