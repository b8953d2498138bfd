// The derived pixels and what the header says of them (conformance 3.3).
import type { DataSet } from '../dicom/data-set.js';
import { encodeElement, header, joined } from '../dicom/element.js';
import { copiedElement } from '../dicom/explicit-le.js';
import type { PixelDescription } from '../dicom/pixel-description.js';
import { hostIsLittle } from '../dicom/pixels.js';
import { storedRange } from '../dicom/rescale.js';
import { transferSyntax } from '../dicom/uids.js';
import { find, text } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import { writable } from './attributes.js';
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
  const { smallest, largest } = rangeOf(pixels, description);
  const tag = writable('PixelData');
  const elements = [
    { tag, bytes: nativePixels(tag, pixels, description) },
    ...lossyElements(source, transferSyntaxUid),
  ];
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

function rangeOf(pixels: Int32Array, description: PixelDescription): { smallest: number; largest: number } {
  const expected = description.rows * description.columns * description.frames;
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

/** Little endian samples; bits above High Bit follow by themselves: zero, or the sign's extension. */
function nativePixels(tag: number, pixels: Int32Array, { bitsAllocated }: PixelDescription): Uint8Array {
  const vr = bitsAllocated > 8 ? 'OW' : 'OB';
  const size = bitsAllocated / 8;
  const length = pixels.length * size + ((pixels.length * size) & 1);
  const start = header(tag, vr, length);
  const out = new Uint8Array(start.length + length);
  out.set(start);
  if (size === 1) out.set(pixels, start.length);
  else if (hostIsLittle) new Uint16Array(out.buffer, start.length, pixels.length).set(pixels);
  else {
    const view = new DataView(out.buffer, start.length);
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
  const former = keep('LossyImageCompressionMethod');
  return [
    written('LossyImageCompression', '01'),
    ...keep('LossyImageCompressionRatio'),
    ...(former.length > 0 || method === null ? former : [written('LossyImageCompressionMethod', method)]),
  ];
}

function wrong(what: string): LimpidError {
  return new LimpidError('DERIVE_CHECK_FAILED', what);
}
