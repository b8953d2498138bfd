// Frames of several fragments without an offset table: found by their code streams, where that is certain, in memory and in a file.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { encodeFrame } from '../../src/dicom/codecs.js';
import { header, itemHeader, joined } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { writeFileMeta } from '../../src/dicom/part10.js';
import type { PixelDescription } from '../../src/dicom/pixel-description.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { sopClasses } from '../../src/dicom/uids.js';
import { openObjectFile } from '../../src/spool/object-file.js';
import { withFolder } from '../support/temporary.js';

const description: PixelDescription = {
  rows: 24,
  columns: 32,
  frames: 3,
  samples: 1,
  bitsAllocated: 16,
  bitsStored: 12,
  signed: false,
  photometric: 'MONOCHROME2',
  byPlanes: false,
  slope: 1,
  intercept: 0,
  padding: null,
};
const frames = [1, 2, 3].map((seed) =>
  Int32Array.from({ length: 24 * 32 }, (_, index) => (index * seed * 577 + ((index * index) % 91)) % 4096),
);
const syntaxes = { jpegls: '1.2.840.10008.1.2.4.80', jpeg2000: '1.2.840.10008.1.2.4.90' } as const;

const filled = (bytes: Uint8Array): Uint8Array => (bytes.length % 2 === 0 ? bytes : joined([bytes, Uint8Array.of(0)]));
const streamsBy = (coding: keyof typeof syntaxes): Promise<Uint8Array[]> =>
  Promise.all(frames.map((frame) => encodeFrame(new Uint8Array(Uint16Array.from(frame).buffer), description, coding)));
/** A stream in fragments that end at these places. */
const cut = (stream: Uint8Array, ...places: number[]): Uint8Array[] =>
  [0, ...places].map((from, index) => filled(stream.subarray(from, places[index] ?? stream.length)));

function object(fragments: readonly Uint8Array[], transferSyntaxUid: string): Uint8Array {
  const items = [new Uint8Array(0), ...fragments].flatMap((part) => [itemHeader(0xfffee000, part.length), part]);
  const meta = writeFileMeta({ sopClassUid: sopClasses.enhancedMr, sopInstanceUid: '1.2.3', transferSyntaxUid });
  return joined([meta, header(0x7fe00010, 'OB', 0xffffffff), ...items, itemHeader(0xfffee0dd, 0)]);
}

/** Each frame as it is read from the bytes, and from a file of them. */
async function read(fragments: readonly Uint8Array[], syntax: string): Promise<Int32Array[]> {
  const bytes = object(fragments, syntax);
  const { dataSet } = readInstance(bytes);
  const inMemory = await Promise.all(frames.map((_, index) => decodePixels(dataSet, description, syntax, index)));
  await withFolder(async (folder) => {
    const path = join(folder, 'object.dcm');
    await writeFile(path, bytes);
    const file = await openObjectFile(path);
    for (const [index, frame] of inMemory.entries()) {
      const one = await file.framePixels(index, description);
      expect(await decodePixels(one, { ...description, frames: 1 }, syntax)).toEqual(frame);
    }
  });
  return inMemory;
}

describe.each(['jpegls', 'jpeg2000'] as const)('frames in several fragments, %s', (coding) => {
  const syntax = syntaxes[coding];

  it('are found by their streams without an offset table', async () => {
    const [a, b, c] = await streamsBy(coding);
    if (a === undefined || b === undefined || c === undefined) throw new Error('no streams');
    expect(await read([...cut(a, 200), ...cut(b), ...cut(c, 100, 300)], syntax)).toEqual(frames);
  });

  it('are found where the end of a stream is divided too', async () => {
    const [a, b, c] = await streamsBy(coding);
    if (a === undefined || b === undefined || c === undefined) throw new Error('no streams');
    const end = a.length - 1;
    // Odd: the first part is not filled up, as no encoder could within a stream.
    expect(await read([a.subarray(0, end), filled(a.subarray(end)), filled(b), filled(c)], syntax)).toEqual(frames);
  });

  it.each([
    ['a stream too many', ([a, b, c]: Uint8Array[]) => [a, b, c, a]],
    ['one too few', ([a, b]: Uint8Array[]) => [...cut(a ?? new Uint8Array(0), 100, 200), b]],
    [
      'the last without its end',
      ([a, b, c]: Uint8Array[]) => [...cut(a ?? new Uint8Array(0), 100), b, c?.subarray(0, 200)],
    ],
    [
      'one without its end before another',
      ([a, b, c]: Uint8Array[]) => [a?.subarray(0, 200), b, c, Uint8Array.of(0, 0)],
    ],
    ['something behind the end of one', ([a, b, c]: Uint8Array[]) => [a, Uint8Array.of(0, 0), b, c]],
    [
      'the first without its beginning',
      ([a, b, c]: Uint8Array[]) => [...cut(a ?? new Uint8Array(0), 100).slice(1), a, b, c],
    ],
  ])('are not guessed with %s', async (_, of) => {
    const parts = of(await streamsBy(coding)).flatMap((part) => (part === undefined ? [] : [filled(part)]));
    const { dataSet } = readInstance(object(parts, syntax));
    const refused = { code: 'DICOM_UNDECODABLE', message: expect.stringContaining('for 3 frames, no offset table') };
    for (const index of frames.keys())
      await expect(decodePixels(dataSet, description, syntax, index)).rejects.toMatchObject(refused);
  });
});
