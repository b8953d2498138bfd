import { describe, expect, it } from '@jest/globals';
import { isPrivate, keywordOf } from '../../src/dicom/dictionary.js';
import { readDataSet } from '../../src/dicom/data-set.js';
import type { DataSet, Element } from '../../src/dicom/data-set.js';
import { encodeElement, encodeSequence, header, itemHeader, joined } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { implicitDataSet } from '../../src/dicom/implicit-le.js';
import { explicitLittleEndian, implicitLittleEndian } from '../../src/dicom/uids.js';
import { items, numbers, text, texts } from '../../src/dicom/values.js';
import { LimpidError } from '../../src/errors.js';
import { attributes } from '../../src/derive/attributes.js';
import { encodedDataSet, everything, selectionOf, written } from '../../src/derive/encode.js';
import { isDroppedPrivate } from '../../src/derive/private-elements.js';
import { planFor, syntheticSeries } from '../support/derivation.js';
import { itWithData, sharedBytes, sharedFiles } from '../support/shared-data.js';
import { processorMs } from '../support/processor-time.js';

const derivation = selectionOf(planFor(syntheticSeries(1)));
const kept = (ds: DataSet) => readDataSet(joined(encodedDataSet(ds, derivation, [])), explicitLittleEndian);
const tagsOf = (ds: DataSet) => ds.elements.map(({ tag }) => tag.toString(16).padStart(8, '0'));

/** Every value of a data set as text, with numbers read by their VR: the same whatever the encoding. */
function contents(ds: DataSet): unknown[] {
  return ds.elements
    .filter(({ tag }) => tag !== 0x7fe00010)
    .map((element) => [
      element.tag,
      element.items === null
        ? ['OB', 'OW', 'UN'].includes(element.vr)
          ? Buffer.from(ds.value(element)).toString('latin1')
          : [texts(ds, element.tag, []), numbers(ds, element.tag)]
        : element.items.map(contents),
    ]);
}

describe('the table of attributes', () => {
  it('names each attribute once', () => {
    expect(new Set(attributes.map(({ tag }) => tag)).size).toBe(attributes.length);
    expect(attributes.every(({ tag, keyword }) => keywordOf(tag) === keyword)).toBe(true);
  });

  it('lets only replaced and added attributes be written', () => {
    expect(() => written('PatientID', 'X')).toThrow(LimpidError);
    expect(() => written('DeviceUID', '1.2')).toThrow(LimpidError);
    expect(written('SeriesNumber', '301')).toEqual({ tag: 0x00200011, bytes: encodeElement(0x00200011, 'IS', '301') });
  });
});

describe('encodedDataSet', () => {
  it('removes what the table removes, group lengths, curves, embedded overlays and foreign private elements', () => {
    const ds = readDataSet(
      joined([
        encodeElement(0x00020010, 'UI', '1.2'),
        encodeElement(0x00080000, 'UL', 12),
        encodeElement(0x00080060, 'CS', 'MR'),
        encodeElement(0x00190010, 'LO', 'SIEMENS MR HEADER '),
        encodeElement(0x00190011, 'LO', 'OTHER'),
        encodeElement(0x0019100c, 'IS', '1000'),
        encodeElement(0x00191099, 'IS', '7'),
        encodeElement(0x0019110c, 'IS', '8'),
        encodeElement(0x00210010, 'LO', 'SIEMENS MR SDS 01'),
        encodeElement(0x00211001, 'IS', '9'),
        encodeElement(0x00181002, 'UI', '1.2'),
        encodeElement(0x50000010, 'US', 1),
        encodeElement(0x60000100, 'US', 1),
        encodeElement(0x60003000, 'OW', Uint8Array.of(1, 2)),
        encodeElement(0x60020100, 'US', 16),
        encodeElement(0x60020102, 'US', 15),
        encodeElement(0xfffcfffc, 'OB', new Uint8Array(4)),
      ]),
      explicitLittleEndian,
    );
    expect(tagsOf(kept(ds))).toEqual(['00080060', '00190010', '0019100c', '60000100', '60003000']);
  });

  it('cleans items at any depth and keeps what it does not touch as bytes', () => {
    const dirty = [
      encodeElement(0x00080000, 'UL', 1),
      encodeElement(0x00081155, 'UI', '1.2'),
      encodeElement(0x00091001, 'LO', 'x'),
    ];
    const clean = encodeSequence(0x00081140, [[encodeElement(0x00081155, 'UI', '1.2')]]);
    const ds = readDataSet(
      joined([encodeSequence(0x00081140, [[encodeSequence(0x00081140, [dirty])]]), encodeSequence(0x00400275, [])]),
      explicitLittleEndian,
    );
    const copy = kept(ds);
    expect(Buffer.from(copy.bytes)).toEqual(
      Buffer.from(joined([encodeSequence(0x00081140, [[clean]]), encodeSequence(0x00400275, [])])),
    );
  });

  it('turns implicit elements explicit and keeps private sequences', () => {
    const implicit = (tag: number, ...value: number[]) =>
      Uint8Array.of((tag >>> 16) & 0xff, tag >>> 24, tag & 0xff, (tag >>> 8) & 0xff, value.length, 0, 0, 0, ...value);
    const ds = readDataSet(
      joined([
        implicit(0x00080060, 0x43, 0x54),
        implicit(0x00090010, 0x41, 0x42),
        Uint8Array.of(9, 0, 1, 0x10, 0xff, 0xff, 0xff, 0xff),
        itemHeader(0xfffee000, 0xffffffff),
        implicit(0x00091002, 1, 2),
        itemHeader(0xfffee00d, 0),
        itemHeader(0xfffee0dd, 0),
        implicit(0x00280103, 1, 0),
        implicit(0x00280106, 0xfe, 0xff),
      ]),
      implicitLittleEndian,
    );
    const copy = readDataSet(joined(encodedDataSet(ds, everything, [])), explicitLittleEndian);
    expect(copy.elements.map(({ vr }) => vr)).toEqual(['CS', 'LO', 'SQ', 'US', 'SS']);
    expect(items(copy, 0x00091001)[0]?.elements.map(({ vr, length }) => [vr, length])).toEqual([['UN', 2]]);
    expect(numbers(copy, 'SmallestImagePixelValue')).toEqual([-2]);
    expect(contents(copy)).toEqual(contents(ds));
  });

  it('writes a value that is too long for its VR as UN', () => {
    const value = new Uint8Array(70_000).fill(0x31);
    const ds = readDataSet(joined([Uint8Array.of(0x18, 0, 0x50, 0, 0x70, 0x11, 1, 0), value]), implicitLittleEndian);
    const [element] = readDataSet(joined(encodedDataSet(ds, everything, [])), explicitLittleEndian).elements;
    expect(element).toMatchObject({ vr: 'UN', length: 70_000 });
  });

  it('puts elements in order and lets one of two equal tags through', () => {
    const ds = readDataSet(
      joined([
        encodeElement(0x00100020, 'LO', 'P'),
        encodeElement(0x00080060, 'CS', 'CT'),
        encodeElement(0x00080060, 'CS', 'MR'),
      ]),
      explicitLittleEndian,
    );
    const copy = readDataSet(
      joined(encodedDataSet(ds, derivation, [written('SeriesNumber', '1')])),
      explicitLittleEndian,
    );
    expect(tagsOf(copy)).toEqual(['00080060', '00100020', '00200011']);
    expect(text(copy, 'Modality')).toBe('MR');
  });

  it('knows undefined length of UN', () => {
    const bytes = joined([header(0x0040a170, 'UN', 0xffffffff), itemHeader(0xfffee0dd, 0)]);
    const ds = readDataSet(bytes, explicitLittleEndian);
    expect(Buffer.from(joined(encodedDataSet(ds, everything, [])))).toEqual(Buffer.from(bytes));
  });
});

describe('sample data', () => {
  itWithData('Explicit LE data sets keep their values as Implicit LE', () => {
    let count = 0;
    for (const file of [...sharedFiles('ct'), ...sharedFiles('mr')]) {
      const source = readInstance(sharedBytes(file)).dataSet;
      if (!source.encoding.explicit || source.get(0x7fe00010)?.fragments !== null) continue;
      const copy = readDataSet(joined(implicitDataSet(source)), implicitLittleEndian);
      // VRs come from the dictionary there: private elements read as UN, so bytes are compared.
      const bytes = (ds: DataSet): unknown[] =>
        ds.elements.map((element) => [
          element.tag,
          element.items === null ? Buffer.from(ds.value(element)).toString('latin1') : element.items.map(bytes),
        ]);
      const standard = (all: unknown[]) =>
        all.filter((entry) => Array.isArray(entry) && typeof entry[0] === 'number' && !isPrivate(entry[0]));
      expect([file, standard(bytes(copy))]).toEqual([file, standard(bytes(source))]);
      expect([file, copy.elements.length]).toEqual([file, source.elements.length]);
      count++;
    }
    expect(count).toBeGreaterThan(50);
  });

  itWithData(
    'an edit of nothing gives every Explicit LE data set back, byte for byte; others keep their values',
    () => {
      let [same, converted] = [0, 0];
      for (const file of sharedFiles('')) {
        let source: DataSet;
        try {
          source = readInstance(sharedBytes(file)).dataSet;
        } catch {
          continue;
        }
        const copy = joined(encodedDataSet(source, everything, []));
        if (source.encoding.explicit && source.encoding.littleEndian) {
          expect([file, Buffer.compare(copy, source.bytes)]).toEqual([file, 0]);
          same++;
        } else {
          expect([file, contents(readDataSet(copy, explicitLittleEndian))]).toEqual([file, contents(source)]);
          converted++;
        }
      }
      expect([same > 200, converted > 20]).toEqual([true, true]);
    },
    60_000,
  );

  itWithData('names in every character set are the same bytes after an edit', () => {
    const files = sharedFiles('odd/charsets');
    for (const file of files) {
      const source = readInstance(sharedBytes(file)).dataSet;
      const edited = joined(encodedDataSet(source, derivation, [written('SeriesNumber', '101')]));
      const copy = readDataSet(edited, explicitLittleEndian);
      for (const element of copy.elements.filter(({ tag }) => tag !== 0x00200011)) {
        const was = source.get(element.tag);
        const bytes = (ds: DataSet, { offset, end }: Element) =>
          Buffer.from(ds.bytes.subarray(offset, end)).toString('latin1');
        expect([file, bytes(copy, element)]).toEqual([file, was === undefined ? null : bytes(source, was)]);
      }
      const names = source.get(0x00100010);
      expect([file, copy.get(0x00100010)?.length]).toEqual([file, names?.length]);
    }
    expect(files.length).toBeGreaterThan(15);
  });
});

it('writes an item of more elements than a call takes arguments', () => {
  const [element, count] = [encodeElement(0x00080104, 'LO', 'a'), 300_000];
  const bytes = encodeSequence(0x00081115, [Array.from({ length: count }, () => element)]);
  expect(readDataSet(bytes, explicitLittleEndian).elements[0]?.items?.[0]?.elements).toHaveLength(count);
});

describe('private elements', () => {
  const [group, creator] = [0x0019, 'GEMS_ACQU_01'];
  const tagOf = (own: number): number => group * 0x10000 + own;
  const dropped = (name: string, ...own: readonly number[]): number[] => {
    const parts = [[0x10, name] as const, ...own.map((low) => [low, 'x'] as const)].map(([low, value]) =>
      encodeElement(tagOf(low), 'LO', value),
    );
    const ds = readDataSet(joined(parts), explicitLittleEndian);
    return ds.elements.filter((element) => isDroppedPrivate(ds, element, [])).map(({ tag }) => tag & 0xffff);
  };

  it.each([
    ['on the list', creator, [0x10bb], []],
    ['beside one on the list', creator, [0x10ba, 0x10bb], [0x10ba]],
    ['none on the list: the creator goes too', creator, [0x10ba], [0x10, 0x10ba]],
    ['no elements', creator, [], [0x10]],
    ['of another block', creator, [0x11bb], [0x10, 0x11bb]],
    ['of another creator', 'SOMEBODY', [0x10bb], [0x10, 0x10bb]],
  ])('%s', (_, name, own, expected) => expect(dropped(name, ...own)).toEqual(expected));

  it('are told at once in a data set of nothing but their creators', () => {
    const blocks = Array.from({ length: 240 }, (_, index) => 0x10 + index);
    const groups = Array.from({ length: 300 }, (_, index) => 0x0009 + 2 * index);
    const ds = readDataSet(
      joined(groups.flatMap((one) => blocks.map((block) => encodeElement(one * 0x10000 + block, 'LO', creator)))),
      explicitLittleEndian,
    );
    const started = processorMs();
    expect(ds.elements.every((element) => isDroppedPrivate(ds, element, []))).toBe(true);
    expect(processorMs() - started).toBeLessThan(3000);
  });
});
