import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DataSet } from '../../src/dicom/data-set.js';
import { readDataSet, readHeader } from '../../src/dicom/data-set.js';
import { encodeElement, encodeSequence, header, itemHeader, joined } from '../../src/dicom/element.js';
import { readInstance, readInstanceHeader } from '../../src/dicom/file.js';
import { readPart10, writeFileMeta } from '../../src/dicom/part10.js';
import { explicitLittleEndian, implicitLittleEndian, transferSyntaxes } from '../../src/dicom/uids.js';
import { items, number, numbers, text, texts } from '../../src/dicom/values.js';
import { LimpidError } from '../../src/errors.js';
import { itWithData, sharedBytes, sharedFiles } from '../support/shared-data.js';

const uids = { sopClassUid: '1.2.3', sopInstanceUid: '1.2.3.4', transferSyntaxUid: explicitLittleEndian };

/** Runs `read`; a LimpidError counts as an answer, anything else fails the test. */
function answered(read: () => unknown): string {
  try {
    read();
    return 'read';
  } catch (error) {
    if (error instanceof LimpidError) return error.code;
    throw error;
  }
}

function readValues(ds: DataSet): void {
  for (const { tag } of ds.elements.filter((element) => element.tag < 0x7fe00010)) {
    texts(ds, tag);
    numbers(ds, tag);
    for (const item of items(ds, tag)) readValues(item);
  }
}

describe('readDataSet', () => {
  const inner = [encodeElement(0x00080100, 'SH', '121322'), encodeElement(0x00080102, 'SH', 'DCM')];
  const bytes = joined([
    encodeElement(0x00080060, 'CS', 'CT'),
    encodeSequence(0x0040a170, [inner, []]),
    encodeElement(0x7fe00010, 'OW', Uint8Array.of(1, 2, 3, 4)),
  ]);

  it('indexes elements and items where they lie', () => {
    const ds = readDataSet(bytes, explicitLittleEndian);
    expect(ds.elements.map(({ tag, vr, length }) => [tag, vr, length])).toEqual([
      [0x00080060, 'CS', 2],
      [0x0040a170, 'SQ', 42],
      [0x7fe00010, 'OW', 4],
    ]);
    expect(ds.elements.at(-1)?.end).toBe(bytes.length);
    expect(ds.elements.map((element) => ds.value(element).buffer === bytes.buffer)).toEqual([true, true, true]);
    expect(items(ds, 'PurposeOfReferenceCodeSequence').map((item) => text(item, 'CodeValue'))).toEqual([
      '121322',
      null,
    ]);
  });

  it('walks sequences of undefined length, and UN of undefined length as implicit little endian', () => {
    const implicit = Uint8Array.of(8, 0, 0, 1, 4, 0, 0, 0, 0x41, 0x42, 0x43, 0x44);
    const undelimited = joined([
      header(0x0040a170, 'UN', 0xffffffff),
      itemHeader(0xfffee000, 0xffffffff),
      implicit,
      itemHeader(0xfffee00d, 0),
      itemHeader(0xfffee0dd, 0),
      encodeElement(0x00420010, 'ST', 'after'),
    ]);
    const ds = readDataSet(undelimited, explicitLittleEndian);
    expect(items(ds, 0x0040a170).map((item) => text(item, 0x00080100))).toEqual(['ABCD']);
    expect(text(ds, 0x00420010)).toBe('after');
  });

  it('reads a sequence of known length that was written as UN', () => {
    const value = joined([itemHeader(0xfffee000, 12), Uint8Array.of(8, 0, 0, 1, 4, 0, 0, 0, 0x41, 0x42, 0x43, 0x44)]);
    const ds = readDataSet(encodeElement(0x0040a170, 'UN', value), explicitLittleEndian);
    expect(items(ds, 0x0040a170).map((item) => text(item, 0x00080100))).toEqual(['ABCD']);
  });

  it('takes VRs from the dictionary and the sign from Pixel Representation where they are implicit', () => {
    const implicit = (tag: number, value: readonly number[]): Uint8Array =>
      Uint8Array.of((tag >>> 16) & 0xff, tag >>> 24, tag & 0xff, (tag >>> 8) & 0xff, value.length, 0, 0, 0, ...value);
    const of = (representation: number) =>
      readDataSet(
        joined([implicit(0x00280103, [representation, 0]), implicit(0x00280120, [0xfe, 0xff])]),
        implicitLittleEndian,
      );
    expect(numbers(of(1), 'PixelPaddingValue')).toEqual([-2]);
    expect(numbers(of(0), 'PixelPaddingValue')).toEqual([65534]);
    // An icon's is its own.
    const sequence = (tag: number, item: Uint8Array): Uint8Array => implicit(tag, [...implicit(0xfffee000, [...item])]);
    const mapped = implicit(0x00409216, [0x00, 0xf8]);
    const image = readDataSet(
      joined([
        implicit(0x00280103, [1, 0]),
        sequence(0x00880200, implicit(0x00280103, [0, 0])),
        sequence(0x52009230, sequence(0x00409096, mapped)),
      ]),
      implicitLittleEndian,
    );
    const [frame] = items(image, 'PerFrameFunctionalGroupsSequence');
    const [mapping] = frame === undefined ? [] : items(frame, 'RealWorldValueMappingSequence');
    expect(mapping && numbers(mapping, 'RealWorldValueFirstValueMapped')).toEqual([-2048]);
  });

  it('refuses what ends early, nests too deep or is no element', () => {
    const code = (data: Uint8Array) => answered(() => readDataSet(data, explicitLittleEndian));
    expect(code(bytes.subarray(0, bytes.length - 1))).toBe('DICOM_MALFORMED');
    expect(code(bytes.subarray(0, 13))).toBe('DICOM_MALFORMED');
    expect(code(header(0x7fe00010, 'OW', 3_000_000_000))).toBe('DICOM_MALFORMED');
    expect(code(header(0x00100010, 'PN', 0))).toBe('read');
    // one zero made an odd data set even; what else is behind the last element is cut
    const odd = joined([header(0x00100010, 'PN', 3), Uint8Array.of(65, 66, 67)]);
    expect(code(joined([odd, Uint8Array.of(0)]))).toBe('read');
    expect(code(joined([odd, Uint8Array.of(1)]))).toBe('DICOM_MALFORMED');
    expect(code(joined([bytes, Uint8Array.of(0)]))).toBe('DICOM_MALFORMED');
    expect(code(joined([bytes, Uint8Array.of(0, 0)]))).toBe('DICOM_MALFORMED');
    expect(code(itemHeader(0xfffee00d, 0))).toBe('DICOM_MALFORMED');
    const nested = (depth: number) => {
      const open = joined([header(0x0040a170, 'SQ', 0xffffffff), itemHeader(0xfffee000, 0xffffffff)]);
      const close = joined([itemHeader(0xfffee00d, 0), itemHeader(0xfffee0dd, 0)]);
      return joined([...Array<Uint8Array>(depth).fill(open), ...Array<Uint8Array>(depth).fill(close)]);
    };
    expect(code(nested(64))).toBe('read');
    expect(code(nested(65))).toBe('DICOM_MALFORMED');
    expect(answered(() => readDataSet(bytes, '1.2.3'))).toBe('DICOM_UNDECODABLE');
  });

  it('answers any bytes in any syntax with a result or a LimpidError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(...transferSyntaxes), (data, { uid }) => {
        answered(() => readDataSet(data, uid));
        answered(() => readHeader(data, uid));
        answered(() => readPart10(data));
      }),
      { numRuns: 2000 },
    );
  });

  it('answers a damaged data set with a result or a LimpidError', () => {
    const damage = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(damage, (changes) => {
        const copy = bytes.slice();
        for (const [at, value] of changes) copy[at] = value;
        answered(() => {
          const ds = readDataSet(copy, explicitLittleEndian);
          readValues(ds);
        });
      }),
      { numRuns: 2000 },
    );
  });
});

describe('readHeader', () => {
  const bytes = joined([
    encodeElement(0x00080060, 'CS', 'CT'),
    encodeElement(0x00280010, 'US', 512),
    encodeElement(0x7fe00010, 'OW', new Uint8Array(1000)),
  ]);

  it('stops before Pixel Data and says so', () => {
    const { dataSet, complete } = readHeader(bytes.subarray(0, 100), explicitLittleEndian);
    expect(complete).toBe(true);
    expect(number(dataSet, 'Rows')).toBe(512);
    expect(dataSet.elements).toHaveLength(2);
  });

  it('gives the whole elements of any prefix', () => {
    for (let length = 0; length <= 20; length++) {
      const { dataSet, complete } = readHeader(bytes.subarray(0, length), explicitLittleEndian);
      expect(complete).toBe(false);
      expect(dataSet.elements).toHaveLength(length < 10 ? 0 : length < 20 ? 1 : 2);
    }
  });
});

describe('deflated data sets', () => {
  const deflated = '1.2.840.10008.1.2.1.99';
  const plain = joined([encodeElement(0x00280010, 'US', 512), encodeElement(0x7fe00010, 'OW', new Uint8Array(64))]);

  it('are inflated, from a prefix as far as it goes', () => {
    const bytes = deflateRawSync(plain);
    expect(Buffer.from(readDataSet(bytes, deflated).bytes)).toEqual(Buffer.from(plain));
    const { dataSet, complete } = readHeader(bytes.subarray(0, bytes.length - 4), deflated);
    expect([number(dataSet, 'Rows'), complete]).toEqual([512, true]);
  });

  it('are refused where they are cut, or grow beyond all measure', () => {
    const bytes = deflateRawSync(plain);
    expect(answered(() => readDataSet(bytes.subarray(0, bytes.length - 4), deflated))).toBe('DICOM_MALFORMED');
    const bomb = deflateRawSync(joined([header(0x7fe00010, 'OW', 2 ** 25), new Uint8Array(2 ** 25)]));
    expect(bomb.length).toBeLessThan(2 ** 17);
    expect(() => readDataSet(bomb, deflated)).toThrow(/grows above/);
  });
});

describe('readPart10', () => {
  it('reads back what writeFileMeta writes', () => {
    const meta = writeFileMeta({
      ...uids,
      sourceAe: 'LIMPID',
      sendingAe: 'CT1',
      receivingAe: 'LIMPID',
      sourceAddress: '127.0.0.1',
    });
    const part10 = readPart10(joined([meta, Uint8Array.of(1, 2)]));
    expect(part10.dataSetOffset).toBe(meta.length);
    expect(part10.transferSyntaxUid).toBe(explicitLittleEndian);
    expect(part10.meta).toMatchObject({
      mediaStorageSopInstanceUid: '1.2.3.4',
      sendingAe: 'CT1',
      sourceAddress: '127.0.0.1',
    });
    // The group length, which limpid itself does not need, is right for others.
    expect(new DataView(meta.buffer).getUint32(140, true)).toBe(meta.length - 144);
  });

  it('ends before a meta group that was sent within the data set, in whatever coding', () => {
    const meta = writeFileMeta(uids);
    const explicit = encodeElement(0x00020010, 'UI', '1.2.840.10008.1.2.4.50');
    const implicit = Uint8Array.of(2, 0, 0, 0, 4, 0, 0, 0, 30, 0, 0, 0);
    for (const within of [explicit, implicit]) {
      const { dataSetOffset, transferSyntaxUid } = readPart10(joined([meta, within]));
      expect(dataSetOffset).toBe(meta.length);
      expect(transferSyntaxUid).toBe(explicitLittleEndian);
    }
  });

  it('refuses files without preamble, and DICM by chance', () => {
    expect(answered(() => readPart10(new Uint8Array(0)))).toBe('DICOM_NOT_DICOM');
    const chance = new Uint8Array(200);
    chance.set([0x44, 0x49, 0x43, 0x4d], 128);
    expect(answered(() => readPart10(chance))).toBe('DICOM_NOT_DICOM');
    const withoutSyntax = joined([writeFileMeta(uids).subarray(0, 144), encodeElement(0x00020002, 'UI', '1.2')]);
    expect(answered(() => readPart10(withoutSyntax))).toBe('DICOM_MALFORMED');
  });
});

describe('sample data', () => {
  itWithData('every file is read, or refused, within 200 ms of work', () => {
    const outcome: Record<string, string> = {};
    for (const file of sharedFiles('')) {
      const bytes = sharedBytes(file);
      const started = process.cpuUsage();
      outcome[file] = answered(() => {
        const { dataSet } = readInstance(bytes);
        readValues(dataSet);
      });
      answered(() => readInstanceHeader(bytes.subarray(0, 8192)));
      // Time of this process, not of the clock: other work on the machine does not count.
      const { user, system } = process.cpuUsage(started);
      expect([file, (user + system) / 1000 < 200]).toEqual([file, true]);
    }
    // Each for the reason that the data's own README gives; DCMTK refuses the ultrasound file too.
    expect(Object.fromEntries(Object.entries(outcome).filter(([, code]) => code !== 'read'))).toEqual({
      'odd/empty-file.dcm': 'DICOM_NOT_DICOM',
      'odd/j2k-too-short-emri.dcm': 'DICOM_MALFORMED',
      'odd/meta-without-transfer-syntax.dcm': 'DICOM_MALFORMED',
      'odd/monochrome1-cr-no-meta-header.dcm': 'DICOM_NOT_DICOM',
      'odd/no-meta-ct.dcm': 'DICOM_NOT_DICOM',
      'odd/no-preamble-but-dicm-in-data.dcm': 'DICOM_NOT_DICOM',
      'odd/not-dicom.dcm': 'DICOM_NOT_DICOM',
      'odd/rt-struct-no-transfer-syntax.dcm': 'DICOM_NOT_DICOM',
      'odd/truncated-bulk-data-claims-3gb.dcm': 'DICOM_MALFORMED',
      'odd/truncated-in-header-mr.dcm': 'DICOM_MALFORMED',
      'odd/truncated-mr.dcm': 'DICOM_MALFORMED',
      'odd/truncated-rtplan.dcm': 'DICOM_MALFORMED',
      'us/single-mono-jpegls-philips-iu22.dcm': 'DICOM_MALFORMED',
    });
  });
});
