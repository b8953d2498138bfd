import { describe, expect, it } from '@jest/globals';
import { decodeText } from '../../src/dicom/charset.js';
import { readDataSet } from '../../src/dicom/data-set.js';
import { tagOf } from '../../src/dicom/dictionary.js';
import { encodeElement, itemHeader, joined } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { isReason, pixelDescription } from '../../src/dicom/pixel-description.js';
import { explicitLittleEndian } from '../../src/dicom/uids.js';
import { find, hasStrangeText, hasValue, items, number, numbers, text, texts } from '../../src/dicom/values.js';
import { syntheticCt } from '../support/derivation.js';
import { itWithData, sharedBytes, sharedFiles } from '../support/shared-data.js';
import { processorMs } from '../support/processor-time.js';

const of = (...elements: Uint8Array[]) => readDataSet(joined(elements), explicitLittleEndian);

describe('values', () => {
  const ds = of(
    encodeElement(0x00080008, 'CS', 'ORIGINAL\\PRIMARY\\ AXIAL '),
    encodeElement(0x00080016, 'UI', '1.2.3'),
    encodeElement(0x0008103e, 'LO', ''),
    encodeElement(0x00180050, 'DS', ' 1.25 \\-3e2\\+.5\\5.'),
    encodeElement(0x00181030, 'LO', ' a b '),
    encodeElement(0x00181020, 'LO', '  '),
    encodeElement(0x00204000, 'LT', 'one\\two '),
    encodeElement(0x00280009, 'AT', Uint8Array.of(0x18, 0, 0x63, 0x10)),
    encodeElement(0x00280010, 'US', 512),
    encodeElement(0x00280106, 'SS', -2),
    encodeElement(0x00189073, 'FD', 0.1),
    encodeElement(0x00200013, 'IS', '1A'),
    encodeElement(0x00281052, 'UN', Uint8Array.of(0x2d, 0x31)),
  );

  it('are split and freed of padding by VR', () => {
    expect(texts(ds, 'ImageType')).toEqual(['ORIGINAL', 'PRIMARY', 'AXIAL']);
    expect(text(ds, 'SOPClassUID')).toBe('1.2.3');
    expect(text(ds, 'ProtocolName')).toBe('a b');
    expect(texts(ds, 'ImageComments')).toEqual(['one\\two']);
    expect(text(ds, 'SeriesDescription')).toBeNull();
    expect(text(ds, 'Rows')).toBe('512');
  });

  it('are numbers of every kind, UN by the dictionary', () => {
    expect(numbers(ds, 'SliceThickness')).toEqual([1.25, -300, 0.5, 5]);
    expect(numbers(ds, 'FrameIncrementPointer')).toEqual([0x00181063]);
    expect(number(ds, 'Rows')).toBe(512);
    expect(number(ds, 'SmallestImagePixelValue')).toBe(-2);
    expect(number(ds, 'AcquisitionDuration')).toBe(0.1);
    expect(number(ds, 'RescaleIntercept')).toBe(-1);
    expect(number(ds, 'InstanceNumber')).toBeNull();
    expect(number(ds, 'Columns')).toBeNull();
  });

  it.each([
    ['DS', 'RescaleSlope', `${'1'.repeat(65_000)}x`],
    ['LO', 'SeriesDescription', `a${' '.repeat(65_000)}x`],
    ['LT', 'ImageComments', `a${'\0'.repeat(65_000)}x`],
  ])('of 64 KB are read at once, as %s', (vr, keyword, value) => {
    const long = of(encodeElement(tagOf(keyword) ?? 0, vr, value));
    const started = processorMs();
    expect(text(long, keyword)).toBe(value);
    expect(numbers(long, keyword)).toEqual(vr === 'DS' ? [Number.NaN] : expect.anything());
    expect(processorMs() - started).toBeLessThan(1000);
  });

  it('say whether they are there, and refuse keywords that do not exist', () => {
    expect(['Rows', 'SeriesDescription', 'SoftwareVersions', 'Columns'].map((key) => hasValue(ds, key))).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(items(ds, 'SourceImageSequence')).toEqual([]);
    expect(() => find(ds, 'NoSuchKeyword')).toThrow(/keyword/);
  });
});

describe('text in character sets', () => {
  const bytes = (...values: number[]) => Uint8Array.from(values);
  it.each([
    ['ISO_IR 100', bytes(0x4d, 0xfc, 0x6c), 'Mül'],
    ['ISO_IR 192', bytes(0xe7, 0x8e, 0x8b), '王'],
    ['GB18030', bytes(0xcd, 0xf5), '王'],
    ['ISO_IR 13', bytes(0xd4, 0xcf), 'ﾔﾏ'],
    ['', bytes(0x41), 'A'],
  ])('%s', (set, value, expected) => expect(decodeText(value, [set])).toBe(expected));

  itWithData('of ISO 2022 names as PS3.5 Annexes H, I and K spell them', () => {
    const name = (file: string) => text(readInstance(sharedBytes(`odd/charsets/${file}.dcm`)).dataSet, 'PatientName');
    expect(name('iso-2022-ir-87-japanese')).toBe('Yamada^Tarou=山田^太郎=やまだ^たろう');
    expect(name('iso-2022-ir-13-and-87-japanese')).toBe('ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう');
    expect(name('iso-2022-ir-149-korean')).toBe('Hong^Gildong=洪^吉洞=홍^길동');
    expect(name('iso-2022-ir-58-chinese')).toBe('Zhang^XiaoDong=张^小东=');
    expect(name('iso-ir-144-russian')).toBe('Люкceмбypг');
    expect(name('gb18030-chinese')).toBe('Wang^XiaoDong=王^小东=');
  });
});

it('reads an item in its own character set, else in that of the data set it lies in', () => {
  const maker = encodeElement(0x00080070, 'LO', Uint8Array.of(0xe7, 0x8e, 0x8b, 0x20));
  const [without, own] = [of(maker), of(encodeElement(0x00080005, 'CS', 'ISO_IR 192'), maker)];
  expect(text(without, 'Manufacturer', ['ISO_IR 192'])).toBe('王');
  expect(text(own, 'Manufacturer', ['ISO_IR 144'])).toBe('王');
  expect(text(own, 'Manufacturer')).toBe('王');
});

it('reads a megabyte of escape characters at once', () => {
  const started = processorMs();
  expect(decodeText(new Uint8Array(2 ** 20).fill(0x1b), ['', 'ISO 2022 IR 87'])).toHaveLength(2 ** 20);
  expect(processorMs() - started).toBeLessThan(2000);
});

it('walks a sequence in UN once, however often its items are asked for', () => {
  const frame = [itemHeader(0x00280010, 2), Uint8Array.of(1, 0)];
  const frames = 5000;
  const sequence = joined(Array.from({ length: frames }, () => [itemHeader(0xfffee000, 10), ...frame]).flat());
  const ds = of(encodeElement(0x52009230, 'UN', sequence));
  const started = processorMs();
  for (let index = 0; index < frames; index++)
    expect(items(ds, 'PerFrameFunctionalGroupsSequence')[index]?.elements).toHaveLength(1);
  expect(processorMs() - started).toBeLessThan(3000);
});

describe('text that is not of its set', () => {
  const withName = (set: string, ...name: number[]) =>
    of(encodeElement(0x00080005, 'CS', set), encodeElement(0x00100010, 'PN', Uint8Array.from(name)));
  it.each([
    ['ASCII without a set', '', [0x41], false],
    ['a letter beyond ASCII without a set', '', [0xe4], true],
    ['the same in ISO_IR 6', 'ISO_IR 6', [0xe4], true],
    ['Latin 1', 'ISO_IR 100', [0xe4], false],
    ['Latin 1 that says it is UTF-8', 'ISO_IR 192', [0xe4, 0x41], true],
    ['UTF-8', 'ISO_IR 192', [0xc3, 0xa4], false],
    ['a set that does not exist', 'ISO_IR 999', [0xe4], true],
    ['half a character of GB18030', 'GB18030', [0xcd], true],
  ])('%s', (_name, set, name, expected) => expect(hasStrangeText(withName(set, ...name))).toBe(expected));

  itWithData('is in none of the sample names but those in items, whose own sets say what they are', () => {
    const strange = sharedFiles('odd/charsets').filter((file) =>
      hasStrangeText(readInstance(sharedBytes(file)).dataSet),
    );
    expect(strange).toEqual([]);
  });
});

describe('pixelDescription', () => {
  const describeWith = (...elements: readonly (readonly [number, string, string | number])[]) =>
    pixelDescription(
      readInstance(
        syntheticCt(
          0,
          new Map(
            elements.map(([tag, vr, value]) => [tag, vr === '' ? new Uint8Array(0) : encodeElement(tag, vr, value)]),
          ),
        ),
      ).dataSet,
    );

  it('describes a CT', () => {
    expect(describeWith()).toEqual({
      rows: 32,
      columns: 32,
      frames: 1,
      samples: 1,
      bitsAllocated: 16,
      bitsStored: 16,
      signed: true,
      photometric: 'MONOCHROME2',
      byPlanes: false,
      slope: 1,
      intercept: 0,
      padding: { low: -2000, high: -2000 },
    });
  });

  it('reads padding in the pixels’ sign, with its range', () => {
    expect(describeWith([0x00280120, 'US', 63536], [0x00280121, 'SS', -1990])).toMatchObject({
      padding: { low: -2000, high: -1990 },
    });
  });

  it.each([
    [0x00280010, '', '', 'MISSING_ATTRIBUTE'],
    [0x00280004, '', '', 'MISSING_ATTRIBUTE'],
    [0x00281053, '', '', 'MISSING_ATTRIBUTE'],
    [0x00281053, 'DS', '0', 'BAD_RESCALE'],
    [0x00281052, 'DS', 'x', 'BAD_RESCALE'],
    [0x00280004, 'CS', 'PALETTE COLOR', 'PALETTE'],
    [0x00280004, 'CS', 'RGB', 'COLOUR'],
    [0x00280002, 'US', 3, 'COLOUR'],
    [0x00280100, 'US', 32, 'BAD_PIXEL_DESCRIPTION'],
    [0x00280101, 'US', 17, 'BAD_PIXEL_DESCRIPTION'],
    [0x00280102, 'US', 11, 'BAD_PIXEL_DESCRIPTION'],
    [0x00280103, 'US', 2, 'BAD_PIXEL_DESCRIPTION'],
    [0x00280010, 'US', 0, 'BAD_PIXEL_DESCRIPTION'],
    [0x00280010, 'DS', '2.5', 'BAD_PIXEL_DESCRIPTION'],
    [0x00280101, 'DS', '15.5', 'BAD_PIXEL_DESCRIPTION'],
    [0x7fe00008, 'OF', '', 'BAD_PIXEL_DESCRIPTION'],
  ])('%# gives its reason (%s %s %s: %s)', (tag, vr, value, code) => {
    const found = describeWith([tag, vr, value]);
    expect(isReason(found) ? found.code : 'described').toBe(code);
  });

  itWithData('refuses the samples that are no grey images of 8 or 16 bits', () => {
    const code = (file: string) => {
      const found = pixelDescription(readInstance(sharedBytes(file)).dataSet);
      return isReason(found) ? found.code : 'described';
    };
    expect(code('odd/modality-lut-sequence.dcm')).toBe('BAD_RESCALE');
    expect(code('odd/parametric-map-float.dcm')).toBe('BAD_PIXEL_DESCRIPTION');
    expect(code('odd/rt-dose-32bit-15f.dcm')).toBe('BAD_PIXEL_DESCRIPTION');
    expect(code('odd/segmentation-1bit.dcm')).toBe('BAD_PIXEL_DESCRIPTION');
    expect(code('odd/mr-rgb-colour.dcm')).toBe('COLOUR');
    expect(code('us/single-palette-rle-philips-cx50.dcm')).toBe('PALETTE');
    expect(code('ct/acr-phantom-2.5mm-ge-lightspeed16/001.dcm')).toBe('described');
  });
});
