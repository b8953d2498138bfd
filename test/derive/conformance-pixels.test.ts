// Section 3.3 of the conformance rules, row by row: pixels and what describes them.
import { expect } from '@jest/globals';
import { encodeElement, encodeSequence } from '../../src/dicom/element.js';
import type { DataSet } from '../../src/dicom/data-set.js';
import { readInstance } from '../../src/dicom/file.js';
import { pixelDescription } from '../../src/dicom/pixel-description.js';
import { toStored } from '../../src/dicom/rescale.js';
import { find, number, text, texts } from '../../src/dicom/values.js';
import { checkInstance } from '../../src/derive/check.js';
import { deriveInstance } from '../../src/derive/derive-instance.js';
import { reasons } from '../../src/errors.js';
import { tablesOf } from '../support/conformance-rules.js';
import { planFor, syntheticCt } from '../support/derivation.js';
import {
  classic,
  expectKept,
  extra,
  figures,
  now,
  raw,
  rowsWithProofs,
  superResolution,
} from '../support/derived-pair.js';
import type { Change } from '../support/derived-pair.js';

const [ofPixels = []] = tablesOf('### 3.3');

const signed = (value: number): Uint8Array => encodeElement(0, 'SS', value).subarray(8);
const lossy = (ds: DataSet): string[][] =>
  ['LossyImageCompression', 'LossyImageCompressionRatio', 'LossyImageCompressionMethod'].map((keyword) =>
    texts(ds, keyword),
  );
const overlay = (allocated: number): Change[] => [
  [0x60000010, 'US', 32],
  [0x60000011, 'US', 32],
  [0x60000040, 'CS', 'G'],
  [0x60000100, 'US', allocated],
  [0x60000102, 'US', allocated === 1 ? 0 : 12],
  ...(allocated === 1 ? [[0x60003000, 'OW', new Uint8Array(128).fill(0x5a)] as const] : []),
];

rowsWithProofs('3.3: pixels', ofPixels, {
  'Rows, Columns, NumberOfFrames, SamplesPerPixel': async () => {
    expectKept(await classic(), 'Rows Columns SamplesPerPixel');
    const { to } = await classic([], superResolution(2, 'half_pixel'));
    expect([number(to, 'Rows'), number(to, 'Columns')]).toEqual([64, 64]);
  },
  'BitsAllocated, BitsStored, HighBit, PixelRepresentation': async () => {
    const { source } = await classic();
    expectKept(await classic(), 'BitsAllocated BitsStored HighBit PixelRepresentation');
    const { description } = source;
    const stored = (value: number): number | undefined =>
      toStored(Float32Array.of(value), Int32Array.of(0), { ...description, padding: null })[0];
    expect([stored(2.5), stored(-2.5), stored(1e9), stored(-1e9)]).toEqual([3, -3, 32_767, -32_768]);
  },
  'bits above HighBit': async () => {
    const twelve: Change[] = [
      [0x00280101, 'US', 12],
      [0x00280102, 'US', 11],
      [0x00280120, '', null],
      [0x7fe00010, 'OW', new Uint8Array(Uint16Array.from({ length: 1024 }, (_, i) => 0xa000 | i).buffer)],
    ];
    for (const [representation, above] of [
      [0, 0],
      [1, 0],
    ] as const) {
      const { to, source } = await classic([...twelve, [0x00280103, 'US', representation]]);
      const words = new Uint16Array(raw(to, 'PixelData')?.slice().buffer ?? new ArrayBuffer(0));
      expect(
        words.every((word, index) => word >>> 12 === above && (word & 0xfff) === (source.pixels[index] ?? -1)),
      ).toBe(true);
    }
    const negative = await classic([
      ...twelve.slice(0, 3),
      [0x7fe00010, 'OW', new Uint8Array(Uint16Array.from({ length: 1024 }, () => 0x0fff).buffer)],
    ]);
    const words = new Uint16Array(raw(negative.to, 'PixelData')?.slice().buffer ?? new ArrayBuffer(0));
    expect(new Set(words)).toEqual(new Set([0xffff]));
  },
  'RescaleSlope, Intercept, Type; ModalityLUT': async () => {
    expectKept(await classic([[0x00281054, 'LO', 'HU']]), 'RescaleSlope RescaleIntercept RescaleType');
    for (const bad of [
      [0x00281053, 'DS', '0'] as const,
      [0x00283000, 'SQ', encodeSequence(0, [[encodeElement(0x00283002, 'US', 1)]]).subarray(12)] as const,
    ])
      expect(pixelDescription(readInstance(syntheticCt(0, extra([bad]))).dataSet)).toMatchObject({
        code: 'BAD_RESCALE',
      });
  },
  'PixelPaddingValue, RangeLimit (0028,0120/0121)': async () => {
    const range: Change[] = [
      [0x00280120, 'SS', signed(-2000)],
      [0x00280121, 'SS', signed(-1990)],
    ];
    const pair = await classic(range);
    expectKept(pair, 'PixelPaddingValue PixelPaddingRangeLimit');
    expect(pair.faults).toEqual([]);
    const { description } = pair.source;
    const back = toStored(Float32Array.of(-1995, -1997, -1991), Int32Array.of(-1995, 5, 5), description);
    expect([...back]).toEqual([-1995, -2001, -1989]);
  },
  'Smallest, LargestImagePixelValue (0028,0106/0107)': async () => {
    const { to, pixels } = await classic([], {}, (stored) =>
      stored.map((value) => (value === -2000 ? value : value + 1)),
    );
    const [smallest, largest] = [Math.min(...pixels), Math.max(...pixels)];
    expect([number(to, 'SmallestImagePixelValue'), number(to, 'LargestImagePixelValue')]).toEqual([smallest, largest]);
    expect(find(to, 'SmallestImagePixelValue')?.vr).toBe('SS');
    const without = await classic([
      [0x00280106, '', null],
      [0x00280107, '', null],
    ]);
    expect(find(without.to, 'SmallestImagePixelValue')).toBeUndefined();
  },
  'Smallest, LargestPixelValueInSeries (0028,0108/0109)': async () => {
    const { to } = await classic([
      [0x00280108, 'SS', signed(1)],
      [0x00280109, 'SS', signed(2)],
    ]);
    expect([find(to, 'SmallestPixelValueInSeries'), find(to, 'LargestPixelValueInSeries')]).toEqual([
      undefined,
      undefined,
    ]);
    // Not named by the rules, and as stale: extremes of a plane (retired), counts of values.
    const other = await classic([
      [0x00280110, 'SS', signed(1)],
      [0x00280111, 'SS', signed(2)],
      [0x00603000, 'SQ', encodeSequence(0, [[encodeElement(0x00603002, 'US', 1)]]).subarray(12)],
    ]);
    const stale = ['SmallestImagePixelValueInPlane', 'LargestImagePixelValueInPlane', 'HistogramSequence'];
    expect(stale.map((keyword) => find(other.to, keyword))).toEqual([undefined, undefined, undefined]);
    expect(other.source.dataSet.get(0x00603000)?.items).toHaveLength(1);
  },
  'WindowCenter, Width, Explanation, VOI LUT, VOILUTFunction': async () => {
    const pair = await classic([
      [0x00281050, 'DS', '40\\-600'],
      [0x00281051, 'DS', '400\\1500'],
      [0x00281055, 'LO', 'SOFT\\LUNG'],
      [0x00281056, 'CS', 'LINEAR_EXACT'],
      [0x00283010, 'SQ', encodeSequence(0, [[encodeElement(0x00283003, 'LO', 'x')]]).subarray(12)],
    ]);
    expectKept(pair, 'WindowCenter WindowWidth WindowCenterWidthExplanation VOILUTFunction VOILUTSequence');
    const none = await classic([
      [0x00281050, '', null],
      [0x00281051, '', null],
    ]);
    expect([find(none.to, 'WindowCenter'), find(none.to, 'WindowWidth')]).toEqual([undefined, undefined]);
  },
  PhotometricInterpretation: async () => {
    const { to, pixels, source } = await classic([[0x00280004, 'CS', 'MONOCHROME1']]);
    expect([text(to, 'PhotometricInterpretation'), pixels]).toEqual(['MONOCHROME1', source.pixels]);
  },
  'overlays (60xx)': async () => {
    const [kept, embedded] = [await classic(overlay(1)), await classic(overlay(16))];
    expect(kept.to.get(0x60003000)).toBeDefined();
    expect(kept.faults).toEqual([]);
    expect(embedded.to.elements.filter(({ tag }) => tag >>> 16 === 0x6000)).toEqual([]);
    const fine = await classic(overlay(1), superResolution(2, 'half_pixel'));
    expect(fine.to.elements.filter(({ tag }) => tag >>> 16 === 0x6000)).toEqual([]);
    expect(reasons.OVERLAY_DROPPED.verdict).toBe('warn');
  },
  'curves (50xx), Icon': async () => {
    const { to } = await classic([
      [0x50000005, 'US', 1],
      [0x50003000, 'OW', new Uint8Array(4)],
      [0x00880200, 'SQ', encodeSequence(0, [[encodeElement(0x00280010, 'US', 1)]]).subarray(12)],
    ]);
    expect([0x50000005, 0x50003000, 0x00880200].map((tag) => to.get(tag))).toEqual([undefined, undefined, undefined]);
  },
  'LossyImageCompression (0028,2110), Ratio, Method': async () => {
    const history: Change[] = [
      [0x00282110, 'CS', '01'],
      [0x00282112, 'DS', '8\\10'],
      [0x00282114, 'CS', 'ISO_15444_1\\ISO_10918_1'],
    ];
    expect(lossy((await classic(history)).to)).toEqual([['01'], ['8', '10'], ['ISO_15444_1', 'ISO_10918_1']]);
    expect(lossy((await classic([[0x00282110, 'CS', '00']])).to)).toEqual([['00'], [], []]);
    expect(lossy((await classic()).to)).toEqual([[], [], []]);
    const { source } = await classic();
    for (const [syntax, method] of [
      ['50', 'ISO_10918_1'],
      ['91', 'ISO_15444_1'],
      ['81', 'ISO_14495_1'],
    ]) {
      const coded = { ...source, part10: { ...source.part10, transferSyntaxUid: `1.2.840.10008.1.2.4.${syntax}` } };
      const bytes = deriveInstance(coded, planFor([source], 0), source.pixels, figures, now);
      expect(lossy(readInstance(bytes).dataSet)).toEqual([['01'], [], [method]]);
    }
    // Type 3: some write it empty.
    const { source: empty } = await classic([[0x00282114, 'CS', '']]);
    const coded = { ...empty, part10: { ...empty.part10, transferSyntaxUid: '1.2.840.10008.1.2.4.51' } };
    const bytes = deriveInstance(coded, planFor([empty], 0), empty.pixels, figures, now);
    expect(lossy(readInstance(bytes).dataSet)).toEqual([['01'], [], ['ISO_10918_1']]);
    expect(checkInstance(coded, bytes, planFor([empty], 0))).toEqual([]);
  },
  'ICCProfile, PresentationLUTShape, palettes': async () => {
    expectKept(
      await classic([
        [0x20500020, 'CS', 'IDENTITY'],
        [0x00282000, 'OB', new Uint8Array(8)],
      ]),
      'PresentationLUTShape ICCProfile',
    );
    const palette = readInstance(syntheticCt(0, extra([[0x00280004, 'CS', 'PALETTE COLOR']])));
    expect(pixelDescription(palette.dataSet)).toMatchObject({ code: 'PALETTE' });
  },
  PixelData: async () => {
    const { to } = await classic();
    expect([find(to, 'PixelData')?.vr, find(to, 'PixelData')?.length, to.elements.at(-1)?.tag]).toEqual([
      'OW',
      2048,
      0x7fe00010,
    ]);
    const odd = await classic([
      [0x00280010, 'US', 3],
      [0x00280011, 'US', 5],
      [0x00280100, 'US', 8],
      [0x00280101, 'US', 8],
      [0x00280102, 'US', 7],
      [0x00280103, 'US', 0],
      [0x00280120, '', null],
      [0x00280106, '', null],
      [0x00280107, '', null],
      [0x7fe00010, 'OB', new Uint8Array(16)],
    ]);
    expect([find(odd.to, 'PixelData')?.vr, find(odd.to, 'PixelData')?.length]).toEqual(['OB', 16]);
  },
  'mean and content': async () => {
    const shifted = await classic([], {}, (stored) => stored.map((value) => (value === -2000 ? value : value + 100)));
    const upsideDown = await classic([[0x00280120, '', null]], {}, (stored) => stored.slice().reverse());
    expect(shifted.faults.join()).toMatch(/CONTENT: mean/);
    expect(upsideDown.faults.join()).toMatch(/CONTENT: correlation/);
  },
});
