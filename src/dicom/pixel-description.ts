// What the pixels of an image are, and whether limpid can work on them (PS3.3 C.7.6.3, C.11.1; conformance 3.3).
import type { Reason } from '../errors.js';
import { isColour } from './colour.js';
import type { Colour } from './colour.js';
import type { DataSet } from './data-set.js';
import { tagOf } from './dictionary.js';
import { hasFunctionalGroups, holderIn, scopeOf, standardScopes } from './functional-groups.js';
import type { Layer } from './functional-groups.js';
import { regionsFit } from './ultrasound-regions.js';
import { modalityOfClass, ultrasoundClasses } from './uids.js';
import { find, items, number, numbers, text } from './values.js';

export interface PixelDescription {
  readonly rows: number;
  readonly columns: number;
  readonly frames: number;
  readonly samples: number;
  /** 8 or 16. */
  readonly bitsAllocated: number;
  readonly bitsStored: number;
  /** Pixel Representation 1. */
  readonly signed: boolean;
  /** Colour in ultrasound alone: grey tissue beside coloured marks. Its pixels are decoded to red, green and blue, pixel by pixel. */
  readonly photometric: 'MONOCHROME1' | 'MONOCHROME2' | Colour;
  /** Native colour in three planes, one behind the other. */
  readonly byPlanes: boolean;
  /** Output = slope x stored + intercept; 1 and 0 where the object has none. */
  readonly slope: number;
  readonly intercept: number;
  /** Stored values that are no image, both ends counted. */
  readonly padding: { readonly low: number; readonly high: number } | null;
}

/** Bounds on what a header can make limpid allocate: a frame of 8192 x 8192, and native pixels that one element can hold. */
const mostPixels = 2 ** 26;
const mostBytes = 2 ** 32 - 2;

/** Whether a description is a refusal. */
export function isReason(value: PixelDescription | Reason): value is Reason {
  return 'code' in value;
}

/** Type 1 of every image (PS3.3 C.7.6.3). */
const neededNumbers = [
  'SamplesPerPixel',
  'Rows',
  'Columns',
  'BitsAllocated',
  'BitsStored',
  'HighBit',
  'PixelRepresentation',
];
/** Intercept over slope, as a power of two. */
const finestStep = 21;
/** More frames are an attack or a fault. */
const mostFrames = 100_000;

const reason = (code: Reason['code'], detail = ''): Reason => ({ code, detail });

/**
 * The pixel description of an image, from its header (Pixel Data itself is not asked for), or the gate's reason why limpid does not
 * work on it.
 *
 * @param frame whose rescale and padding are asked for, from 0: frames of one object may differ in them
 */
export function pixelDescription(ds: DataSet, frame = 0): PixelDescription | Reason {
  if (find(ds, 'FloatPixelData') !== undefined || find(ds, 'DoubleFloatPixelData') !== undefined) {
    return reason('BAD_PIXEL_DESCRIPTION', 'floating point pixels');
  }
  for (const keyword of neededNumbers) {
    const value = number(ds, keyword);
    if (value === null) return reason('MISSING_ATTRIBUTE', keyword);
    // Written as US they are whole; with another VR, which is seen, they need not be.
    if (!Number.isInteger(value)) return reason('BAD_PIXEL_DESCRIPTION', `${keyword} is not whole`);
  }
  const photometric = text(ds, 'PhotometricInterpretation');
  if (photometric === null) return reason('MISSING_ATTRIBUTE', 'PhotometricInterpretation');
  const samples = number(ds, 'SamplesPerPixel');
  if (photometric === 'PALETTE COLOR') return reason('PALETTE');
  const isGrey = samples === 1 && (photometric === 'MONOCHROME1' || photometric === 'MONOCHROME2');
  const isOfUltrasound = samples === 3 && isColour(photometric) && isUltrasound(ds);
  if (!isGrey && !isOfUltrasound) return reason('COLOUR', photometric);
  // No class of it knows inverted grey: white text would be black here, and taken for tissue.
  if (photometric === 'MONOCHROME1' && isUltrasound(ds)) return reason('BAD_PIXEL_DESCRIPTION', 'inverted ultrasound');
  const byPlanes = samples === 3 && number(ds, 'PlanarConfiguration') === 1;
  if (byPlanes && photometric === 'YBR_FULL_422') return reason('COLOUR', 'YBR_FULL_422 by planes');
  const rows = number(ds, 'Rows') ?? 0;
  const columns = number(ds, 'Columns') ?? 0;
  const frames = number(ds, 'NumberOfFrames') ?? 1;
  if (rows < 1 || columns < 1 || frames < 1 || !Number.isInteger(frames))
    return reason('BAD_PIXEL_DESCRIPTION', 'empty matrix');
  if (frames > mostFrames) return reason('BAD_PIXEL_DESCRIPTION', `${frames} frames`);
  const bitsAllocated = number(ds, 'BitsAllocated') ?? 0;
  const bitsStored = number(ds, 'BitsStored') ?? 0;
  if (bitsAllocated !== 8 && (bitsAllocated !== 16 || !isGrey))
    return reason('BAD_PIXEL_DESCRIPTION', `${bitsAllocated} bits allocated`);
  if (rows * columns > mostPixels || rows * columns * samples * frames * (bitsAllocated / 8) > mostBytes)
    return reason('UNDECODABLE', `${columns} x ${rows} x ${frames} pixels are more than limpid takes`);
  if (bitsStored < 1 || bitsStored > bitsAllocated) return reason('BAD_PIXEL_DESCRIPTION', `${bitsStored} bits stored`);
  if (number(ds, 'HighBit') !== bitsStored - 1)
    return reason('BAD_PIXEL_DESCRIPTION', 'high bit is not bits stored - 1');
  if (!isGrey && bitsStored !== 8) return reason('BAD_PIXEL_DESCRIPTION', `colour of ${bitsStored} bits`);
  // Speckle, black and white are told by grey values of 0 to 255, as its classes have them (PS3.3 C.8.5.6.1).
  if (isUltrasound(ds) && bitsStored !== 8) return reason('BAD_PIXEL_DESCRIPTION', `ultrasound of ${bitsStored} bits`);
  const representation = number(ds, 'PixelRepresentation');
  if (representation !== 0 && representation !== 1) return reason('BAD_PIXEL_DESCRIPTION', 'pixel representation');
  const signed = representation === 1;

  if (!isGrey && signed) return reason('BAD_PIXEL_DESCRIPTION', 'colour with a sign');
  // They were meant for another matrix: what they call tissue here may be text.
  if (isUltrasound(ds) && !regionsFit(ds, { rows, columns }))
    return reason('BAD_PIXEL_DESCRIPTION', 'an ultrasound region reaches beyond the image');

  const groups = hasFunctionalGroups(ds) ? items(ds, 'PerFrameFunctionalGroupsSequence').length : frames;
  if (groups === 0) return reason('MISSING_ATTRIBUTE', 'PerFrameFunctionalGroupsSequence');
  if (groups !== frames) return reason('BAD_PIXEL_DESCRIPTION', `${groups} functional groups for ${frames} frames`);
  // A palette that is laid over grey values: they are a map's, not an image's (PS3.3 C.8.16.2.1.1.2 Pixel Presentation).
  if (text(ds, 'PixelPresentation') !== null && text(ds, 'PixelPresentation') !== 'MONOCHROME')
    return reason('PALETTE', 'supplemental');

  const scopes = standardScopes(ds, frame);
  const holderOf = (tag: number): DataSet => scopeOf(scopes, tag);
  const rescale = rescaleOf(ds, holderOf);
  if ('code' in rescale) return rescale;
  // It is for grey images alone (PS3.3 C.7.5.1.1.2): of colour it would be one of three samples.
  const padding = isGrey ? paddingOf(holderOf, { signed, bitsStored }) : null;
  const samplesOf = { rows, columns, frames, samples, bitsAllocated, bitsStored, signed };
  return { ...samplesOf, photometric, byPlanes, ...rescale, padding };
}

const isUltrasound = (ds: DataSet): boolean => ultrasoundClasses.has(text(ds, 'SOPClassUID') ?? '');

/**
 * The description of another frame of an object: one frame's, with its own rescale and padding.
 *
 * @param layers the frame's standard ones
 */
export function ofOtherFrame(
  description: PixelDescription,
  ds: DataSet,
  layers: readonly Layer[],
): PixelDescription | Reason {
  const holderOf = (tag: number): DataSet => holderIn(layers, tag) ?? ds;
  const rescale = rescaleOf(ds, holderOf);
  return 'code' in rescale ? rescale : { ...description, ...rescale, padding: paddingOf(holderOf, description) };
}

/** A decimal string has 16 bytes; the rest is for who pads it. */
const longestDecimal = 64;

function rescaleOf(ds: DataSet, holderOf: (tag: number) => DataSet): { slope: number; intercept: number } | Reason {
  const holder = (keyword: string): DataSet => holderOf(tagOf(keyword) ?? 0);
  if (items(holder('ModalityLUTSequence'), 'ModalityLUTSequence').length > 0)
    return reason('BAD_RESCALE', 'Modality LUT');
  for (const keyword of ['RescaleSlope', 'RescaleIntercept']) {
    // one for all frames may have 64 KB, and is read for each
    if ((find(holder(keyword), keyword)?.length ?? 0) > longestDecimal)
      return reason('BAD_RESCALE', `${keyword} is no number`);
    const present = numbers(holder(keyword), keyword).length > 0;
    if (!present && modalityOfClass(text(ds, 'SOPClassUID') ?? '') === 'CT')
      return reason('MISSING_ATTRIBUTE', keyword);
    if (numbers(holder(keyword), keyword).length > 1) return reason('BAD_RESCALE', `${keyword} has several values`);
    if (present && number(holder(keyword), keyword) === null) return reason('BAD_RESCALE', `${keyword} is no number`);
  }
  const slope = number(holder('RescaleSlope'), 'RescaleSlope') ?? 1;
  if (slope === 0) return reason('BAD_RESCALE', 'slope 0');
  const intercept = number(holder('RescaleIntercept'), 'RescaleIntercept') ?? 0;
  // Output values are single floats: one stored value must stay more than their last digit.
  if (Math.abs(slope) * 2 ** finestStep < Math.abs(intercept))
    return reason('BAD_RESCALE', 'slope vanishes beside the intercept');
  return { slope, intercept };
}

/**
 * Pixel Padding Value and Range Limit in the pixels' own sign, whatever VR the sender wrote. Some scanners (seen: GE CT) have another value
 * in each slice: of a Legacy Converted object it stands among each frame's Unassigned Converted Attributes.
 */
function paddingOf(
  holderOf: (tag: number) => DataSet,
  { signed, bitsStored }: Pick<PixelDescription, 'signed' | 'bitsStored'>,
): PixelDescription['padding'] {
  const inSign = (value: number): number => {
    const ofWord = signed ? (value << 16) >> 16 : value & 0xffff;
    // The bits of a negative pixel, without those of its sign above Bits Stored: no pixel could have it as a positive one.
    return signed && ofWord >= 2 ** (bitsStored - 1) && ofWord < 2 ** bitsStored ? ofWord - 2 ** bitsStored : ofWord;
  };
  const of = (keyword: string): number | null => {
    const holder = holderOf(tagOf(keyword) ?? 0);
    return number(holder, keyword) ?? wordOf(holder, keyword);
  };
  const value = of('PixelPaddingValue');
  if (value === null) return null;
  const limit = of('PixelPaddingRangeLimit') ?? value;
  const [a, b] = [inSign(value), inSign(limit)];
  return { low: Math.min(a, b), high: Math.max(a, b) };
}

/** A value of 16 bits that was written as a word of pixels, which none of its VRs is (seen: OW). */
function wordOf(ds: DataSet, keyword: string): number | null {
  const element = find(ds, keyword);
  if (element?.vr !== 'OW' || element.length !== 2) return null;
  const [first = 0, second = 0] = ds.value(element);
  return ds.encoding.littleEndian ? first + 256 * second : second + 256 * first;
}
