// What loss does to values, and what a frame says of it: never taken for an image without loss, never white for black.
import { describe, expect, it } from '@jest/globals';
import codecs from 'dcmjs-codecs';
import { codeStreamOf } from '../../src/dicom/code-stream.js';
import { readDataSet } from '../../src/dicom/data-set.js';
import type { DataSet } from '../../src/dicom/data-set.js';
import { encodeElement, header, itemHeader, joined } from '../../src/dicom/element.js';
import type { PixelDescription } from '../../src/dicom/pixel-description.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { transcoded } from '../../src/dicom/transcode.js';
import { explicitLittleEndian } from '../../src/dicom/uids.js';
import { number, text } from '../../src/dicom/values.js';
import { greyContext } from '../support/grey-context.js';

const { NativeCodecs } = codecs;
const [rows, columns] = [40, 56];
const codings = {
  'JPEG-LS': ['encodeJpegLs', '1.2.840.10008.1.2.4.80', '1.2.840.10008.1.2.4.81'],
  'JPEG 2000': ['encodeJpeg2000', '1.2.840.10008.1.2.4.90', '1.2.840.10008.1.2.4.91'],
  HTJ2K: ['encodeHtJpeg2000', '1.2.840.10008.1.2.4.201', '1.2.840.10008.1.2.4.203'],
} as const;
type Name = keyof typeof codings;

interface Form {
  readonly bits: number;
  readonly signed: boolean;
  /** Highest value of the image. */
  readonly top: number;
}

const us = (tag: number, value: number): Uint8Array => encodeElement(tag, 'US', value);

/** Waves from 0 to `top`, encoded: the data set of the image under a syntax. */
async function imageOf(
  name: Name,
  lossy: boolean,
  syntax: string,
  { bits, signed, top }: Form,
  ...more: readonly Uint8Array[]
): Promise<DataSet> {
  const values = Int32Array.from({ length: rows * columns }, (_, index) =>
    Math.round(top * (0.5 + 0.5 * Math.sin((index % columns) / 9 + Math.floor(index / columns) / 7))),
  );
  await NativeCodecs.initializeAsync();
  const context = greyContext(values, { rows, columns, bits, signed });
  const bytes = NativeCodecs[codings[name][0]](context, { lossy }).getEncodedBuffer() ?? new Uint8Array(0);
  const stream = bytes.length % 2 === 0 ? bytes : joined([bytes, Uint8Array.of(0)]);
  const parts = [
    us(0x00280002, 1),
    encodeElement(0x00280004, 'CS', 'MONOCHROME2'),
    us(0x00280010, rows),
    us(0x00280011, columns),
    us(0x00280100, 16),
    us(0x00280101, bits),
    us(0x00280102, bits - 1),
    us(0x00280103, signed ? 1 : 0),
    ...more,
    header(0x7fe00010, 'OB', 0xffffffff),
    itemHeader(0xfffee000, 0),
    itemHeader(0xfffee000, stream.length),
  ];
  return readDataSet(joined([...parts, stream, itemHeader(0xfffee0dd, 0)]), syntax);
}

async function through(name: Name, lossy: boolean, syntax: string, form: Form): Promise<Int32Array> {
  const description: PixelDescription = {
    rows,
    columns,
    frames: 1,
    samples: 1,
    bitsAllocated: 16,
    bitsStored: form.bits,
    signed: form.signed,
    photometric: 'MONOCHROME2',
    byPlanes: false,
    slope: 1,
    intercept: 0,
    padding: null,
  };
  return decodePixels(await imageOf(name, lossy, syntax, form), description, syntax);
}

/** The same image as a peer gets it that takes only native pixels. */
async function sent(
  name: Name,
  lossy: boolean,
  syntax: string,
  form: Form,
  ...more: readonly Uint8Array[]
): Promise<DataSet> {
  const pieces: Uint8Array[] = [];
  for await (const piece of transcoded(await imageOf(name, lossy, syntax, form, ...more), syntax, explicitLittleEndian))
    pieces.push(Uint8Array.from(piece));
  return readDataSet(joined(pieces), explicitLittleEndian);
}

const middle: Form = { bits: 12, signed: false, top: 2000 };
const refused = (what: string) => ({ code: 'DICOM_UNDECODABLE', message: expect.stringContaining(what) });

describe.each(['JPEG-LS', 'JPEG 2000', 'HTJ2K'] as const)('%s', (name) => {
  const [, without, withLoss] = codings[name];

  it('with loss is refused where its transfer syntax has none', async () => {
    expect(await through(name, false, without, middle)).toHaveLength(rows * columns);
    expect(await through(name, false, withLoss, middle)).toHaveLength(rows * columns);
    expect(await through(name, true, withLoss, middle)).toHaveLength(rows * columns);
    await expect(through(name, true, without, middle)).rejects.toMatchObject(refused('with loss in'));
  });

  it('with loss is not sent to a peer as what never had any', async () => {
    expect(text(await sent(name, false, without, middle), 'LossyImageCompression')).toBeNull();
    expect(text(await sent(name, true, withLoss, middle), 'LossyImageCompression')).toBe('01');
    await expect(sent(name, true, without, middle)).rejects.toMatchObject(refused('with loss in'));
  });
});

it('values that loss carries over the highest are refused, not cut off to the lowest', async () => {
  const { '1': without, '2': withLoss } = codings['JPEG-LS'];
  const white: Form = { bits: 12, signed: false, top: 4095 };
  expect(Math.max(...(await through('JPEG-LS', false, without, white)))).toBe(4095);
  for (const way of [through, sent])
    await expect(way('JPEG-LS', true, withLoss, white)).rejects.toMatchObject(refused('by loss, in 12 bits'));
});

it('signed pixels are not read of JPEG-LS with loss, which knows no sign', async () => {
  const { '1': without, '2': withLoss } = codings['JPEG-LS'];
  const signed = { ...middle, signed: true };
  expect(await through('JPEG-LS', false, without, signed)).toHaveLength(rows * columns);
  for (const way of [through, sent])
    await expect(way('JPEG-LS', true, withLoss, signed)).rejects.toMatchObject(refused('signed pixels with loss'));
});

it('what is sent names the method where the object has an empty one', async () => {
  const { '2': withLoss } = codings['JPEG-LS'];
  const empty = [encodeElement(0x00282112, 'DS', ''), encodeElement(0x00282114, 'CS', '')];
  const image = await sent('JPEG-LS', true, withLoss, middle, ...empty);
  expect(text(image, 'LossyImageCompressionMethod')).toBe('ISO_14495_1');
  expect(number(image, 'LossyImageCompressionRatio')).toBeGreaterThan(1);
});

it('JPEG without cosines has loss where its point transform cuts low bits off', () => {
  const frame = (pointTransform: number): Uint8Array =>
    joined([
      Uint8Array.of(0xff, 0xd8, 0xff, 0xc3, 0, 11, 12, 0, 2, 0, 2, 1, 1, 0x11, 0),
      Uint8Array.of(0xff, 0xda, 0, 8, 1, 1, 0, 6, 0, pointTransform, 0, 0, 0xff, 0xd9),
    ]);
  expect([0, 2].map((bits) => codeStreamOf(frame(bits), 'jpeg'))).toMatchObject([
    { lossless: true, lossy: false },
    { lossless: true, lossy: true },
  ]);
});
