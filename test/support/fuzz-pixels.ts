// Strange pixel data: spoilt code streams and native bytes, in any fragments, under any description that the gate lets pass. Whatever it
// is, it ends soon, as an image of the described size or as a refusal.
import codecs from 'dcmjs-codecs';
import fc from 'fast-check';
import { readDataSet } from '../../src/dicom/data-set.js';
import { encodeElement, header, itemHeader, joined } from '../../src/dicom/element.js';
import type { PixelDescription } from '../../src/dicom/pixel-description.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { explicitLittleEndian, transferSyntaxes } from '../../src/dicom/uids.js';
import { LimpidError } from '../../src/errors.js';
import { greyContext } from './grey-context.js';

const { NativeCodecs } = codecs;
const longestMs = 2000;
const [rows, columns] = [24, 32];
type Context = InstanceType<typeof codecs.Context>;
const encoders = {
  jpeg: (context) => NativeCodecs.encodeJpeg(context, { lossy: false, predictor: 1 }),
  jpegls: (context) => NativeCodecs.encodeJpegLs(context, { lossy: false }),
  jpeg2000: (context) => NativeCodecs.encodeJpeg2000(context, { lossy: false }),
  htj2k: (context) => NativeCodecs.encodeHtJpeg2000(context, { lossy: false }),
  rle: (context) => NativeCodecs.encodeRle(context),
} as const satisfies Record<string, (context: Context) => Context>;
type Coding = keyof typeof encoders;
const codings = ['jpeg', 'jpegls', 'jpeg2000', 'htj2k', 'rle'] as const;

/** A sound stream of 24 rows and 32 columns of 12 bits for each coding. */
async function soundStreams(): Promise<ReadonlyMap<Coding, Uint8Array>> {
  await NativeCodecs.initializeAsync();
  const words = Array.from({ length: rows * columns }, (_, index) => (index * 577) % 4096);
  return new Map(
    codings.map((coding) => {
      const context = greyContext(words, { rows, columns, bits: 12, signed: false });
      return [coding, encoders[coding](context).getEncodedBuffer() ?? new Uint8Array(0)];
    }),
  );
}

const spoiling = fc.record({
  /** Bytes that are replaced: the place as a share, headers more often. */
  bytes: fc.array(
    fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), head: fc.boolean(), value: fc.nat(255) }),
    {
      maxLength: 4,
    },
  ),
  cut: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 4 }),
});
type Spoiling = typeof spoiling extends fc.Arbitrary<infer T> ? T : never;

function spoilt(stream: Uint8Array, { bytes, cut }: Spoiling): Uint8Array {
  const out = new Uint8Array(stream);
  for (const { at, head, value } of bytes) out[Math.floor(at * Math.min(out.length - 1, head ? 80 : Infinity))] = value;
  return cut === null ? out : out.subarray(0, Math.floor(cut * out.length));
}

const side = fc.oneof(
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 4096 }) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 64 }) },
);
const described = fc
  .record({
    size: fc.oneof(
      { weight: 4, arbitrary: fc.constant([rows, columns] as const) },
      { weight: 1, arbitrary: fc.tuple(side, side) },
    ),
    frames: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 4 })),
    wide: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    bits: fc.integer({ min: 1, max: 16 }),
    signed: fc.boolean(),
  })
  .map(({ size, frames, wide, bits, signed }): PixelDescription => ({
    rows: size[0],
    columns: size[1],
    frames,
    samples: 1,
    bitsAllocated: wide ? 16 : 8,
    bitsStored: wide ? bits : Math.min(8, bits),
    signed,
    photometric: 'MONOCHROME2',
    byPlanes: false,
    slope: 1,
    intercept: 0,
    padding: null,
  }));

/** An even number of bytes. */
const filled = (bytes: Uint8Array): Uint8Array => (bytes.length % 2 === 0 ? bytes : joined([bytes, Uint8Array.of(0)]));

function cutAt(stream: Uint8Array, shares: readonly number[]): Uint8Array[] {
  const places = shares.map((share) => 2 * Math.floor((share * stream.length) / 2)).toSorted((a, b) => a - b);
  return [0, ...places].map((from, index) => filled(stream.subarray(from, places[index] ?? stream.length)));
}

/** Property of one case; the sound streams are made once. @param told whether a case gave an image */
export async function fuzzPixels(told: (outcome: 'image' | 'refused') => void = () => undefined) {
  const streams = await soundStreams();
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  return fc.asyncProperty(
    described,
    fc.constantFrom('native' as const, ...codings),
    fc.array(fc.tuple(spoiling, fc.array(share, { maxLength: 3 })), { minLength: 1, maxLength: 4 }),
    fc.oneof(fc.constant(new Uint8Array(0)), fc.uint8Array({ maxLength: 20 })),
    fc.nat(3),
    async (description, coding, parts, table, frame) => {
      const stream = streams.get(coding === 'native' ? 'rle' : coding) ?? new Uint8Array(0);
      const bytes = parts.map(([how, cuts]) => cutAt(spoilt(stream, how), cuts));
      const items = [table, ...bytes.flat()].flatMap((part) => [itemHeader(0xfffee000, part.length), part]);
      const syntax =
        transferSyntaxes.find((one) => one.coding === coding && one.encapsulated)?.uid ?? explicitLittleEndian;
      const element =
        coding === 'native'
          ? encodeElement(0x7fe00010, 'OW', joined(bytes.flat()))
          : joined([header(0x7fe00010, 'OB', 0xffffffff), ...items, itemHeader(0xfffee0dd, 0)]);
      const decoded = async (): Promise<number> => {
        const started = performance.now();
        try {
          const pixels = await decodePixels(
            readDataSet(element, syntax),
            description,
            syntax,
            frame % description.frames,
          );
          if (pixels.length !== description.rows * description.columns) throw new Error(`${pixels.length} pixels`);
          told('image');
        } catch (error) {
          if (!(error instanceof LimpidError) || !error.code.startsWith('DICOM_')) throw error;
          told('refused');
        }
        return performance.now() - started;
      };
      // What is slow by itself is slow again; a machine with other work to do need not be.
      const ms = (await decoded()) > longestMs ? await decoded() : 0;
      if (ms > longestMs) throw new Error(`${Math.round(ms)} ms`);
    },
  );
}
