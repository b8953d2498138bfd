/**
 * A data set in another transfer syntax (PS3.5 section 10): structure changes, pixel values do not, and it stays the same instance.
 * Native ones in either VR coding; compressed ones decoded; native monochrome ones compressed without loss, and decoded again to
 * prove it. The pieces come one frame at a time.
 */
import { LimpidError } from '../errors.js';
import { decodeFrame, encodeFrame } from './codecs.js';
import { isColour, toRgb } from './colour.js';
import { DataSet, readDataSet } from './data-set.js';
import type { Element } from './data-set.js';
import { encodeElement, header, itemHeader, joined } from './element.js';
import { copiedElement } from './explicit-le.js';
import { implicitDataSet } from './implicit-le.js';
import type { PixelDescription } from './pixel-description.js';
import { decodeFrameOf, encodedFrame } from './pixels.js';
import { explicitLittleEndian, implicitLittleEndian, transferSyntax } from './uids.js';
import type { TransferSyntax } from './uids.js';
import { hasValue, number, text } from './values.js';

const tags = {
  photometric: 0x00280004,
  planarConfiguration: 0x00280006,
  lossy: 0x00282110,
  lossyRatio: 0x00282112,
  lossyMethod: 0x00282114,
  pixelData: 0x7fe00010,
} as const;
/** Offsets into compressed frames (PS3.3 C.7.6.3.1.8): of no use to others. */
const offsetTables = new Set([0x7fe00001, 0x7fe00002]);
const undefinedLength = 0xffffffff;
/** Longest value of an element. */
const mostBytes = 0xfffffffe;
/** Samples of one frame, 44 million pixels in colour: decoders take eight bytes for each, in the node's own process, at a header's word. */
const mostSamples = 2 ** 27;

/**
 * The bytes of a native data set in Explicit or Implicit VR Little Endian. Private values and those of unknown VR keep their bytes.
 *
 * @throws LimpidError DICOM_UNDECODABLE: encapsulated pixel data, or another target
 */
export function nativeDataSet(ds: DataSet, transferSyntaxUid: string): Uint8Array {
  if (ds.elements.some(({ fragments }) => fragments !== null)) {
    throw undecodable('encapsulated pixel data cannot be sent in a native syntax as they are');
  }
  if (transferSyntaxUid !== explicitLittleEndian && transferSyntaxUid !== implicitLittleEndian)
    throw undecodable(`${transferSyntaxUid} is no syntax that limpid writes`);
  return joined(written(ds, ds.elements, transferSyntaxUid));
}

/**
 * The pieces of a data set in another syntax, in order.
 *
 * @throws LimpidError DICOM_UNDECODABLE: pixels that cannot be decoded, or a pair of syntaxes that is not converted
 */
export async function* transcoded(ds: DataSet, fromUid: string, toUid: string): AsyncGenerator<Uint8Array> {
  const from = transferSyntax(fromUid);
  const to = transferSyntax(toUid);
  if (from === undefined || to === undefined) throw undecodable('a transfer syntax that limpid does not know');
  if (from.encapsulated) {
    if (to.encapsulated) throw undecodable('compressed pixels are not compressed anew');
    yield* decompressed(ds, from, toUid);
  } else if (to.encapsulated) yield* compressed(ds, to);
  else yield nativeDataSet(ds, toUid);
}

/** Elements of a data set, with their values, in a native syntax. */
function written(ds: DataSet, elements: readonly Element[], toUid: string): Uint8Array[] {
  const part = new DataSet(ds.bytes, ds.encoding, ds.offset, ds.end, elements);
  if (toUid === implicitLittleEndian && ds.encoding.littleEndian) return implicitDataSet(part);
  const explicit = elements.flatMap((element) => copiedElement(ds, element));
  if (toUid === explicitLittleEndian) return explicit;
  // Big endian goes by way of Explicit LE, which turns its numbers.
  return implicitDataSet(readDataSet(joined(explicit), explicitLittleEndian));
}

interface Frames {
  readonly form: PixelDescription;
  readonly pixelData: Element;
  readonly frameBytes: number;
}

/** What the frames are, colour too. */
function framesOf(ds: DataSet): Frames {
  const whole = (keyword: string, otherwise: number | null = null): number => {
    const value = number(ds, keyword) ?? otherwise;
    if (value === null || !Number.isInteger(value) || value < 0)
      throw undecodable(`${keyword} is missing or no number`);
    return value;
  };
  const pixelData = ds.get(tags.pixelData);
  if (pixelData === undefined) throw undecodable('no Pixel Data');
  const named = text(ds, 'PhotometricInterpretation') ?? '';
  const form: PixelDescription = {
    rows: whole('Rows'),
    columns: whole('Columns'),
    frames: whole('NumberOfFrames', 1),
    samples: whole('SamplesPerPixel', 1),
    bitsAllocated: whole('BitsAllocated'),
    bitsStored: whole('BitsStored'),
    signed: whole('PixelRepresentation') === 1,
    // What frames may be checked against; of grey and of other colours, what their samples mean is asked for below.
    photometric: isColour(named) ? named : 'MONOCHROME2',
    byPlanes: false,
    slope: 1,
    intercept: 0,
    padding: null,
  };
  const { rows, columns, frames, samples, bitsAllocated } = form;
  if (bitsAllocated !== 8 && bitsAllocated !== 16) throw undecodable(`${bitsAllocated} bits allocated`);
  const frameBytes = rows * columns * samples * (bitsAllocated / 8);
  if (frames * frameBytes < 1 || frames * frameBytes > mostBytes)
    throw undecodable(`${frames} frames of ${frameBytes} bytes`);
  if (rows * columns * samples > mostSamples)
    throw undecodable(`frames of ${columns} x ${rows} x ${samples} are too large to be transcoded`);
  return { form, pixelData, frameBytes };
}

async function* decompressed(ds: DataSet, from: TransferSyntax, toUid: string): AsyncGenerator<Uint8Array> {
  const { form, pixelData, frameBytes } = framesOf(ds);
  const { fragments } = pixelData;
  if (fragments === null) throw undecodable('native pixel data in a compressed syntax');
  const { colour, turn } = colourOf(ds, form, from);
  const compressedBytes = fragments.slice(1).reduce((sum, { length }) => sum + length, 0);
  const ratio = (form.frames * frameBytes) / Math.max(1, compressedBytes);
  const changes = new Map([...colour, ...(from.lossyMethod === null ? [] : lossHistory(ds, from.lossyMethod, ratio))]);
  yield* headerPieces(ds, pixelData, changes, toUid);
  const length = form.frames * frameBytes;
  const even = length + (length & 1);
  yield toUid === implicitLittleEndian
    ? itemHeader(tags.pixelData, even)
    : header(tags.pixelData, form.bitsAllocated > 8 ? 'OW' : 'OB', even);
  for (let frame = 0; frame < form.frames; frame++) {
    const pixels = await decodeFrameOf(encodedFrame(ds, fragments, form.frames, frame), form, from);
    if (pixels.length !== frameBytes)
      throw undecodable(`frame ${frame + 1} gives ${pixels.length} bytes, not ${frameBytes}`);
    yield turn(pixels);
  }
  if (even > length) yield Uint8Array.of(0);
  yield* trailerPieces(ds, toUid);
}

async function* compressed(ds: DataSet, to: TransferSyntax): AsyncGenerator<Uint8Array> {
  const { form, pixelData, frameBytes } = framesOf(ds);
  if (form.samples !== 1) throw undecodable('colour is not compressed');
  if (to.coding !== 'jpegls' && to.coding !== 'jpeg2000') throw undecodable(`${to.name} is not written`);
  const little = joined(written(ds, [pixelData], explicitLittleEndian));
  const pixels = readDataSet(little, explicitLittleEndian).get(tags.pixelData);
  if (pixels === undefined || pixels.length < form.frames * frameBytes) throw undecodable('pixel data are short');
  yield* headerPieces(ds, pixelData, new Map(), explicitLittleEndian);
  yield header(tags.pixelData, 'OB', undefinedLength);
  yield itemHeader(0xfffee000, 0); // no offsets: each frame has one fragment
  for (let frame = 0; frame < form.frames; frame++) {
    const start = pixels.valueOffset + frame * frameBytes;
    const native = little.slice(start, start + frameBytes);
    const encoded = await encodeFrame(native, form, to.coding);
    const again = await decodeFrame(encoded, form, to.coding);
    if (Buffer.compare(again, native) !== 0)
      throw undecodable(`frame ${frame + 1} does not come back from ${to.name} as it was`);
    yield itemHeader(0xfffee000, encoded.length + (encoded.length & 1));
    yield encoded;
    if (encoded.length & 1) yield Uint8Array.of(0);
  }
  yield itemHeader(0xfffee0dd, 0);
  yield* trailerPieces(ds, explicitLittleEndian);
}

/** Elements in front of Pixel Data, some of them replaced or added. */
function headerPieces(
  ds: DataSet,
  pixelData: Element,
  changes: ReadonlyMap<number, Uint8Array>,
  toUid: string,
): Uint8Array[] {
  const kept = ds.elements.filter(
    (element) => element.tag < pixelData.tag && !offsetTables.has(element.tag) && !changes.has(element.tag),
  );
  if (changes.size === 0) return written(ds, kept, toUid);
  const pieces = [
    ...kept.map((element) => ({ tag: element.tag, bytes: joined(copiedElement(ds, element)) })),
    ...[...changes].map(([tag, bytes]) => ({ tag, bytes })),
  ].toSorted((a, b) => a.tag - b.tag);
  const explicit = joined(pieces.map(({ bytes }) => bytes));
  return toUid === explicitLittleEndian ? [explicit] : implicitDataSet(readDataSet(explicit, explicitLittleEndian));
}

function trailerPieces(ds: DataSet, toUid: string): Uint8Array[] {
  return written(
    ds,
    ds.elements.filter(({ tag }) => tag > tags.pixelData),
    toUid,
  );
}

const asTheyAre = (pixels: Uint8Array): Uint8Array => pixels;

/**
 * What the decoder makes of colour: the codings of JPEG 2000 give RGB back, those of JPEG the luminance and chrominance they hold. These
 * become RGB, which every reader shows alike, only where loss is no question any more. A frame that says to be of another colour than the
 * data set is refused by the decoder: whoever gets it decoded could not see that any more.
 */
function colourOf(
  ds: DataSet,
  { samples, bitsAllocated }: PixelDescription,
  { coding, lossyMethod, name }: TransferSyntax,
): { colour: [number, Uint8Array][]; turn: (pixels: Uint8Array) => Uint8Array } {
  if (samples === 1) return { colour: [], turn: asTheyAre };
  const photometric = text(ds, 'PhotometricInterpretation') ?? '';
  const interleaved: [number, Uint8Array] = [
    tags.planarConfiguration,
    encodeElement(tags.planarConfiguration, 'US', 0),
  ];
  const rgb: [number, Uint8Array] = [tags.photometric, encodeElement(tags.photometric, 'CS', 'RGB')];
  if (photometric === 'YBR_RCT' || photometric === 'YBR_ICT') return { colour: [rgb, interleaved], turn: asTheyAre };
  if (photometric === 'YBR_FULL' && lossyMethod === null) return { colour: [interleaved], turn: asTheyAre }; // RGB would be rounded
  if (photometric.startsWith('YBR_')) {
    // What is subsampled without loss, or in the partial range, has no native form that holds just the same.
    const isFull = photometric === 'YBR_FULL' || photometric === 'YBR_FULL_422';
    if (coding !== 'jpeg' || lossyMethod === null || !isFull || bitsAllocated !== 8)
      throw undecodable(`${photometric} of ${bitsAllocated} bits in ${name}`);
    return { colour: [rgb, interleaved], turn: (ybr) => toRgb(new Uint8Array(ybr)) };
  }
  return { colour: [interleaved], turn: asTheyAre };
}

/** That pixels were compressed with loss never goes away (PS3.3 C.7.6.1.1.5); what the object says of it already is kept. */
function lossHistory(ds: DataSet, method: string, ratio: number): [number, Uint8Array][] {
  const history: [number, Uint8Array][] = [];
  if (text(ds, 'LossyImageCompression') !== '01') history.push([tags.lossy, encodeElement(tags.lossy, 'CS', '01')]);
  if (!hasValue(ds, 'LossyImageCompressionRatio'))
    history.push([tags.lossyRatio, encodeElement(tags.lossyRatio, 'DS', ratio.toFixed(2))]);
  if (!hasValue(ds, 'LossyImageCompressionMethod'))
    history.push([tags.lossyMethod, encodeElement(tags.lossyMethod, 'CS', method)]);
  return history;
}

function undecodable(what: string): LimpidError {
  return new LimpidError('DICOM_UNDECODABLE', what);
}
