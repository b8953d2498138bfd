// Compressed frames, one at a time: RLE here, the rest through dcmjs-codecs (WebAssembly), whose data set level is not used: it
// rewrites headers. A frame is refused unless the whole of it decodes to the pixels that the data set describes.
import { LimpidError } from '../errors.js';
import { codecLibrary } from './codec-library.js';
import type { CodecLibrary } from './codec-library.js';
import { codeStreamOf, hasEnd } from './code-stream.js';
import type { CodeStream } from './code-stream.js';
import { colourFault } from './colour.js';
import { joined } from './element.js';
import type { PixelDescription } from './pixel-description.js';
import { decodeRle } from './rle.js';
import type { Coding } from './uids.js';

type Context = ReturnType<CodecLibrary['context']>;
type Decoder = (native: CodecLibrary['native'], encoded: Context) => Context;
const decoders: Readonly<Record<Exclude<Coding, 'native' | 'none' | 'rle'>, Decoder>> = {
  jpeg: (native, context) => native.decodeJpeg(context, { convertColorspaceToRgb: false }),
  jpegls: (native, context) => native.decodeJpegLs(context),
  jpeg2000: (native, context) => native.decodeJpeg2000(context),
  htj2k: (native, context) => native.decodeHtJpeg2000(context),
};

/** Some encoders leave the last bits of a scan with cosine transform out; decoders agree on what is meant. */
const cutBits = 'premature end of data segment';
/** Columns and rows of the lower right corner that those bits may be of: four blocks that are all black, or the largest unit of colour. */
const cornerSide = 32;
/** What may stand in place of those bits: enough for the rest of a block; no byte of it begins a marker. */
const filling = Uint8Array.from({ length: 64 }, (_, index) => (index * 89 + 41) % 251);

/** The memory of a WebAssembly instance grows to the largest frame it has seen and never shrinks: behind one of so many bytes it is made anew. */
const largeFrame = 2 ** 24;

/**
 * The decoded bytes of one frame: rows x columns samples of Bits Allocated (8 or 16), little endian.
 * @throws LimpidError DICOM_UNDECODABLE where the frame is not of the described size, damaged or cut, or the codec refuses it
 */
export async function decodeFrame(
  encoded: Uint8Array,
  description: PixelDescription,
  coding: Coding,
): Promise<Uint8Array> {
  if (coding === 'native' || coding === 'none') throw undecodable('no decoder for this transfer syntax');
  const { rows, columns, bitsAllocated, samples } = description;
  if (coding === 'rle') return decodeRle(encoded, rows * columns, samples * (bitsAllocated / 8), bitsAllocated / 8);
  const stream = codeStreamOf(encoded, coding);
  if (stream === null) throw undecodable(`${coding} frame without a header that can be read`);
  checkStream(stream, description, coding);
  // Of a frame that is cut the HTJ2K decoder makes a picture, and the JPEG-LS decoder reads on behind it for half a minute.
  if ((coding === 'jpegls' || coding === 'htj2k') && !hasEnd(encoded)) throw undecodable(`${coding} frame is cut`);
  const library = await codecLibrary();
  return library.use(() => {
    const samplesOfFrame = decoded(library, { encoded, description, coding, stream });
    if (samplesOfFrame.length > largeFrame) library.heal();
    return widened(stream.byPlanes ? interleaved(samplesOfFrame, stream) : samplesOfFrame, stream, bitsAllocated);
  });
}

/** A decoder takes the size from the frame or from the data set, as it comes: they must agree. */
function checkStream(stream: CodeStream, description: PixelDescription, coding: Coding): void {
  const { rows, columns, samples, bitsAllocated, signed, photometric } = description;
  if (stream.rows !== rows || stream.columns !== columns || stream.components !== samples) {
    const size = `${stream.columns} x ${stream.rows} x ${stream.components}`;
    throw undecodable(`${coding} frame of ${size}, ${columns} x ${rows} x ${samples} expected`);
  }
  if (stream.precision < 1 || stream.precision > bitsAllocated) {
    throw undecodable(`${coding} frame of ${stream.precision} bits in ${bitsAllocated}`);
  }
  const colour = samples === 1 ? null : colourFault(photometric, stream, coding);
  if (colour !== null) throw undecodable(colour);
  // Negative values for a data set that says it has none: no derived object could show them as other readers show the source.
  if (stream.signed === true && !signed) throw undecodable(`${coding} frame is signed, pixels are not`);
}

/** A compressed frame, and what it should be. */
interface Frame {
  readonly encoded: Uint8Array;
  readonly description: PixelDescription;
  readonly coding: keyof typeof decoders;
  readonly stream: CodeStream;
}

function decoded(library: CodecLibrary, frame: Frame): Uint8Array {
  try {
    const bytes = samplesOf(library, frame);
    if (library.said !== null && !isHarmless(library, bytes, frame))
      throw undecodable(`${frame.coding} frame is damaged`);
    return bytes;
  } catch (error) {
    library.heal();
    if (error instanceof LimpidError) throw error;
    throw new LimpidError('DICOM_UNDECODABLE', `${frame.coding} frame cannot be decoded`, { cause: error });
  }
}

function samplesOf(library: CodecLibrary, { encoded, description, coding, stream }: Frame): Uint8Array {
  const { rows, columns, samples, bitsStored, signed, photometric } = description;
  const bits = bitsOf(stream);
  library.said = null;
  const context = library.context({
    width: columns,
    height: rows,
    bitsAllocated: bits,
    bitsStored: Math.min(bitsStored, bits),
    samplesPerPixel: samples,
    pixelRepresentation: signed ? 1 : 0,
    planarConfiguration: 0,
    photometricInterpretation: photometric,
    encodedBuffer: encoded,
  });
  const bytes = decoders[coding](library.native, context).getDecodedBuffer();
  const expected = rows * columns * samples * (bits / 8);
  if (bytes?.length !== expected)
    throw undecodable(`${coding} frame gives ${bytes?.length ?? 0} bytes, not ${expected}`);
  return bytes;
}

/** Bits that the decoder gives a sample in. */
const bitsOf = ({ precision }: Pick<CodeStream, 'precision'>): 8 | 16 => (precision <= 8 ? 8 : 16);

/** Whether no more than the last bits of the scan are missing: other bits in their place change nothing but the corner that they are of. */
function isHarmless(library: CodecLibrary, bytes: Uint8Array, frame: Frame): boolean {
  const { encoded, description, coding, stream } = frame;
  if (coding !== 'jpeg' || stream.lossless || library.said?.includes(cutBits) !== true || !hasEnd(encoded))
    return false;
  const end = encoded.lastIndexOf(0xd9) - 1;
  const filled = joined([encoded.subarray(0, end), filling, encoded.subarray(end)]);
  const other = samplesOf(library, { ...frame, encoded: filled });
  // Still too few: more is missing, or it is missing elsewhere.
  if (library.said?.includes(cutBits)) return false;
  const bytesAPixel = description.samples * (bitsOf(stream) / 8);
  return bytes.every((byte, index) => {
    if (byte === other[index]) return true;
    const pixel = Math.floor(index / bytesAPixel);
    const [row, column] = [Math.floor(pixel / description.columns), pixel % description.columns];
    return row >= description.rows - cornerSide && column >= description.columns - cornerSide;
  });
}

/** Planes, one behind the other, as pixels. */
function interleaved(planes: Uint8Array, { components, ...stream }: CodeStream): Uint8Array {
  const size = bitsOf(stream) / 8;
  const pixels = planes.length / (components * size);
  const out = new Uint8Array(planes.length);
  let at = 0;
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let component = 0; component < components; component++) {
      const from = (component * pixels + pixel) * size;
      for (let byte = 0; byte < size; byte++) out[at++] = planes[from + byte] ?? 0;
    }
  }
  return out;
}

/** Samples of 8 bits in Bits Allocated 16, as words. */
function widened(bytes: Uint8Array, stream: CodeStream, bitsAllocated: number): Uint8Array {
  if (bitsOf(stream) === bitsAllocated) return bytes;
  const out = new Uint8Array(2 * bytes.length);
  for (let index = 0; index < bytes.length; index++) {
    const value = bytes[index] ?? 0;
    out[2 * index] = value;
    if (stream.signed === true && value >= 0x80) out[2 * index + 1] = 0xff;
  }
  return out;
}

/**
 * One monochrome frame, compressed without loss.
 * @param native rows x columns samples of 8 or 16 bits, little endian
 * @throws LimpidError DICOM_UNDECODABLE where the codec fails
 */
export async function encodeFrame(
  native: Uint8Array,
  description: PixelDescription,
  coding: 'jpegls' | 'jpeg2000',
): Promise<Uint8Array> {
  const library = await codecLibrary();
  return library.use(() => encodedBy(library, native, description, coding));
}

function encodedBy(
  library: CodecLibrary,
  native: Uint8Array,
  { rows, columns, bitsAllocated, bitsStored, signed, photometric }: PixelDescription,
  coding: 'jpegls' | 'jpeg2000',
): Uint8Array {
  try {
    const context = library.context({
      width: columns,
      height: rows,
      bitsAllocated,
      bitsStored,
      samplesPerPixel: 1,
      pixelRepresentation: signed ? 1 : 0,
      planarConfiguration: 0,
      photometricInterpretation: photometric,
      decodedBuffer: native,
    });
    const done =
      coding === 'jpegls'
        ? library.native.encodeJpegLs(context, { lossy: false })
        : library.native.encodeJpeg2000(context, { lossy: false });
    const bytes = done.getEncodedBuffer();
    if (bytes === undefined || bytes.length === 0) throw new Error('nothing encoded');
    if (native.length > largeFrame) library.heal();
    return bytes;
  } catch (error) {
    library.heal();
    throw new LimpidError('DICOM_UNDECODABLE', `a frame cannot be compressed by ${coding}`, { cause: error });
  }
}

function undecodable(what: string): LimpidError {
  return new LimpidError('DICOM_UNDECODABLE', what);
}
