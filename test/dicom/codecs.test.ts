// What is refused of compressed frames: whatever does not give the described pixels as a whole.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { codeStreamOf, hasEnd } from '../../src/dicom/code-stream.js';
import { decodeFrame } from '../../src/dicom/codecs.js';
import { readInstance } from '../../src/dicom/file.js';
import { isReason, pixelDescription } from '../../src/dicom/pixel-description.js';
import type { PixelDescription } from '../../src/dicom/pixel-description.js';
import { decodeRle } from '../../src/dicom/rle.js';
import { transferSyntax } from '../../src/dicom/uids.js';
import type { Coding } from '../../src/dicom/uids.js';
import { itWithData, sharedBytes } from '../support/shared-data.js';

/** PackBits of the bytes at `place`, `place + stride`, ... as Annex G asks for: runs of equal bytes, and literal ones between. */
function packed(bytes: Uint8Array, place: number, stride: number): number[] {
  const own = bytes.filter((_, index) => index % stride === place);
  const out: number[] = [];
  for (let at = 0; at < own.length;) {
    let run = 1;
    while (run < 128 && own[at + run] === own[at]) run++;
    if (run > 1) out.push(257 - run, own[at] ?? 0);
    else out.push(0, own[at] ?? 0);
    at += run;
  }
  return out;
}

function rle(bytes: Uint8Array, stride: number): Uint8Array {
  const segments = Array.from({ length: stride }, (_, segment) => packed(bytes, stride - 1 - segment, stride));
  const header = new Uint32Array(16);
  header[0] = stride;
  let offset = 64;
  for (const [index, segment] of segments.entries()) {
    header[index + 1] = offset;
    offset += segment.length;
  }
  return Uint8Array.from([...new Uint8Array(header.buffer), ...segments.flat()]);
}

describe('decodeRle', () => {
  const image = fc.uint8Array({ minLength: 2, maxLength: 400 }).map((bytes) => bytes.subarray(0, bytes.length & ~1));

  it('gives back what was encoded, of one byte a sample and of two', () => {
    fc.assert(
      fc.property(image, (bytes) => {
        expect(decodeRle(rle(bytes, 1), bytes.length, 1, 1)).toEqual(bytes);
        expect(decodeRle(rle(bytes, 2), bytes.length / 2, 2, 2)).toEqual(bytes);
      }),
    );
  });

  it('refuses what is short, long, or lies elsewhere; padding is no more than that', () => {
    fc.assert(
      fc.property(image, fc.nat(), (bytes, cut) => {
        const whole = rle(bytes, 2);
        const pixels = bytes.length / 2;
        expect(decodeRle(Uint8Array.from([...whole, 0, 128]), pixels, 2, 2)).toEqual(bytes);
        expect(() => decodeRle(whole.subarray(0, cut % whole.length), pixels, 2, 2)).toThrow();
        expect(() => decodeRle(whole, pixels + 1, 2, 2)).toThrow(/short/);
        expect(() => decodeRle(Uint8Array.from([...whole, 0, 7]), pixels, 2, 2)).toThrow(/too long/);
        expect(() => decodeRle(whole, pixels, 1, 1)).toThrow(/segments/);
      }),
    );
  });
});

interface Frame {
  readonly bytes: Uint8Array;
  readonly description: PixelDescription;
  readonly coding: Coding;
}

function frameOf(file: string): Frame {
  const { dataSet, part10 } = readInstance(sharedBytes(`transfer-syntaxes/${file}.dcm`));
  const description = pixelDescription(dataSet);
  const fragment = dataSet.get(0x7fe00010)?.fragments?.[1];
  if (isReason(description) || fragment === undefined) throw new Error(file);
  const bytes = dataSet.bytes.subarray(fragment.offset, fragment.offset + fragment.length);
  return { bytes, description, coding: transferSyntax(part10.transferSyntaxUid)?.coding ?? 'none' };
}
const frames = [
  'jpeg-lossless-sv1_mr_12u',
  'jpeg-lossless-p14_mr_12u',
  'jpeg-extended-12bit_mr_12u',
  'jpegls-lossless_mr_12u',
  'jpegls-near-lossless_mr_12u',
  'j2k-lossless_mr_12u',
  'j2k-lossy_mr_12u',
  'rle_mr_12u',
];
const refused = expect.objectContaining({ code: 'DICOM_UNDECODABLE' });

it('reads from the components of a JPEG frame whether its colour was turned, where no segment says it', () => {
  type Component = readonly [id: number, factors: number];
  const turnedOf = (components: readonly Component[], segments: readonly number[] = [], sof = 0xc0) => {
    const header = [0xff, sof, 0, 8 + 3 * components.length, 8, 0, 4, 0, 4, components.length];
    const all = [0xff, 0xd8, ...segments, ...header, ...components.flatMap(([id, factors]) => [id, factors, 0])];
    return codeStreamOf(Uint8Array.from([...all, 0xff, 0xda]), 'jpeg')?.turned;
  };
  const halved: Component[] = [
    [1, 0x21],
    [2, 0x11],
    [3, 0x11],
  ];
  const whole = halved.map(([id]): Component => [id, 0x11]);
  const named = Array.from(Buffer.from('RGB'), (letter): Component => [letter, 0x11]);
  const adobe = (transform: number) => [0xff, 0xee, 0, 14, ...Buffer.from('Adobe'), 0, 100, 0, 0, 0, 0, transform];
  expect(turnedOf(halved)).toBe(true);
  expect(turnedOf(named)).toBe(false);
  expect(turnedOf(whole)).toBeNull();
  expect(turnedOf(whole.slice(0, 1))).toBeNull();
  expect(turnedOf(named, adobe(1))).toBe(true);
  expect(turnedOf(whole, adobe(0))).toBe(false);
  expect(turnedOf(named, [], 0xc3)).toBeNull(); // with prediction nothing is turned: the data set says it
});

describe('decodeFrame', () => {
  itWithData('reads size and depth from the frame', () => {
    for (const name of frames.slice(0, -1)) {
      const { bytes, coding } = frameOf(name);
      expect([name, codeStreamOf(bytes, coding)]).toEqual([
        name,
        // DCMTK and GDCM write most samples of 12 bits as 16.
        expect.objectContaining({
          rows: 128,
          columns: 128,
          components: 1,
          precision: /extended|near/.test(name) ? 12 : 16,
        }),
      ]);
      expect([name, hasEnd(bytes)]).toEqual([name, true]);
    }
  });

  itWithData(
    'refuses a frame of another size, depth or number of components, before a decoder allocates anything',
    async () => {
      for (const name of frames) {
        const { bytes, description, coding } = frameOf(name);
        for (const change of [{ rows: 127 }, { columns: 256 }, { samples: 3 }, { bitsAllocated: 8, bitsStored: 8 }]) {
          await expect(decodeFrame(bytes, { ...description, ...change }, coding)).rejects.toEqual(refused);
        }
      }
    },
  );

  itWithData(
    'refuses a lossy frame that is cut although it has an end; bits that are missing at its very end do not count',
    async () => {
      for (const name of ['jpeg-extended-12bit_mr_12u', 'jpeg-extended-12bit_nm']) {
        const { bytes, description, coding } = frameOf(name);
        const end = Buffer.from(bytes).lastIndexOf(Buffer.of(0xff, 0xd9));
        const cutBy = (count: number): Uint8Array =>
          Buffer.concat([bytes.subarray(0, end - count), Buffer.of(0xff, 0xd9)]);
        for (const share of [0.01, 0.1, 0.5, 0.9])
          await expect(decodeFrame(cutBy(Math.floor(end * share)), description, coding)).rejects.toEqual(refused);
        expect([name, (await decodeFrame(cutBy(1), description, coding)).length]).toEqual([
          name,
          2 * description.rows * description.columns,
        ]);
      }
    },
  );

  itWithData(
    'refuses a frame that is cut anywhere, within seconds, and decodes the next one as before',
    async () => {
      for (const name of frames) {
        const { bytes, description, coding } = frameOf(name);
        const whole = Buffer.from(await decodeFrame(bytes, description, coding));
        for (let part = 1; part < 40; part += 6) {
          const started = process.cpuUsage();
          const cut = bytes.subarray(0, Math.floor((bytes.length * part) / 40));
          await expect(decodeFrame(cut, description, coding)).rejects.toEqual(refused);
          expect([name, part, process.cpuUsage(started).user < 3e6]).toEqual([name, part, true]);
        }
        expect([name, whole.equals(await decodeFrame(bytes, description, coding))]).toEqual([name, true]);
      }
    },
    120_000,
  );
});
