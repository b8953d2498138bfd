import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeText } from '../../src/dicom/charset.js';
import { encodeElement } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { number as numberOf, text, texts } from '../../src/dicom/values.js';
import { deriveInstance } from '../../src/derive/derive-instance.js';
import { derivedImageType } from '../../src/derive/identity.js';
import type { DerivationPlan } from '../../src/derive/plan.js';
import { closedText, cutText, rawText } from '../../src/derive/raw-text.js';
import { version } from '../../src/version.js';
import { derivedSeriesNumber } from '../../src/derive/series-number.js';
import { derivationWords, derivedSeries } from '../../src/derive/texts.js';
import { described, planFor, syntheticCt, syntheticSeries } from '../support/derivation.js';

const characterSet = 0x00080005;
const seriesDescription = 0x0008103e;
const escape = '\x1b';
const latin = (value: string) => Uint8Array.from(value, (letter) => letter.charCodeAt(0));
const utf8 = (value: string) => new TextEncoder().encode(value);

/** A source whose elements are replaced; an empty value removes one. */
function sourceWith(...elements: readonly (readonly [tag: number, vr: string, value: string | Uint8Array])[]) {
  const extra = elements.map(
    ([tag, vr, value]) => [tag, vr === '' ? new Uint8Array(0) : encodeElement(tag, vr, value)] as const,
  );
  return described(readInstance(syntheticCt(0, new Map(extra))));
}

/** The data set derived from such a source. */
function derivedFrom(source: ReturnType<typeof sourceWith>, changes: Partial<DerivationPlan> = {}) {
  const pixels = new Int32Array(source.description.rows * source.description.columns);
  const plan = { ...planFor([source]), ...changes };
  return readInstance(deriveInstance(source, plan, pixels, { noiseBefore: null, noiseAfter: null }, 0)).dataSet;
}

describe('Series Description', () => {
  const of = (set: string, value: string | Uint8Array) => {
    const ds = derivedFrom(sourceWith([characterSet, set === '' ? '' : 'CS', set], [seriesDescription, 'LO', value]));
    return rawText(ds, seriesDescription);
  };

  it('is the mark and the source’s own bytes, cut to 64 characters', () => {
    expect(of('ISO_IR 100', latin('Sch\xe4del'))).toEqual(latin('limpid DN Sch\xe4del'));
    expect(of('ISO_IR 100', latin('\xe4'.repeat(64)))).toEqual(latin(`limpid DN ${'\xe4'.repeat(54)}`));
    expect(of('', 'x'.repeat(64))).toHaveLength(64);
  });

  it('cuts multi-byte text between characters, at as many bytes: readers count them', () => {
    const cut = of('ISO_IR 192', utf8('頭'.repeat(64)));
    expect(decodeText(cut, ['ISO_IR 192'])).toBe(`limpid DN ${'頭'.repeat(18)}`);
    const gb = of(
      'GB18030',
      Uint8Array.from({ length: 120 }, (_, index) => (index % 2 === 0 ? 0xcd : 0xf5)),
    );
    expect(decodeText(gb, ['GB18030'])).toBe(`limpid DN ${'王'.repeat(27)}`);
  });

  it.each([
    ['Japanese', 'ISO 2022 IR 6\\ISO 2022 IR 87', `${escape}$B;3ED${escape}(B`, '山田'],
    ['Japanese behind JIS X 0201', 'ISO 2022 IR 13\\ISO 2022 IR 87', `${escape}$B;3ED${escape}(J 3`, '山田 3'],
    ['Japanese left open', '\\ISO 2022 IR 87', `${escape}$B;3ED`, '山田'],
    ['Japanese far too long', '\\ISO 2022 IR 87', `${escape}$B${';3ED'.repeat(20)}${escape}(B`, '山田'.repeat(12)],
    ['two Japanese values', '\\ISO 2022 IR 87', `${escape}$B;3${escape}(B\\${escape}$BED${escape}(B`, '山'],
    ['Japanese with a backslash in a character', '\\ISO 2022 IR 87', `${escape}$B4\\${escape}(B`, '舘'],
    ['Korean', '\\ISO 2022 IR 149', `${escape}$)C\xb9\xe8\xbf\xf8`, '배원'],
    [
      'Korean far too long',
      '\\ISO 2022 IR 149',
      `${escape}$)C${'\xb9\xe8\xbf\xf8'.repeat(20)}`,
      '배원'.repeat(12) + '배',
    ],
    ['no escapes at all', '\\ISO 2022 IR 87', 'Thorax', 'Thorax'],
  ])('keeps text with escapes, closed and of 64 bytes at most: %s', (_name, set, value, words) => {
    const bytes = of(set, latin(value));
    const plain = decodeText(bytes, set.split('\\')).replaceAll(`${escape}(B`, '').replaceAll(`${escape}(J`, '');
    expect(plain).toBe(`limpid DN ${words}`);
    expect(bytes.length).toBeLessThanOrEqual(64);
    const last = bytes.lastIndexOf(0x1b);
    expect(String.fromCharCode(...bytes.subarray(last + 1, last + 3))).not.toBe('$B');
  });

  it('does without the source’s text where nothing of it is understood', () => {
    expect(of('ISO_IR 999', latin('\xe4'))).toEqual(latin('limpid DN series 3'));
    expect(of('\\ISO 2022 IR 999', latin(`${escape}%xab`))).toEqual(latin('limpid DN series 3'));
  });

  it('falls back to Protocol Name, then Modality', () => {
    expect(
      text(derivedFrom(sourceWith([seriesDescription, 'LO', ''], [0x00181030, 'LO', 'Chest'])), 'SeriesDescription'),
    ).toBe('limpid DN Chest');
    expect(text(derivedFrom(sourceWith([seriesDescription, '', ''])), 'SeriesDescription')).toBe('limpid DN CT');
  });

  it('takes no second value and no control character along', () => {
    expect(of('ISO_IR 100', 'a\\b')).toEqual(latin('limpid DN a'));
    expect(of('ISO_IR 100', 'a\nb')).toEqual(latin('limpid DN a'));
  });
});

describe('number and description of a derived series', () => {
  const words = (number: number | null, description: string, ...characterSets: string[]) => ({
    number,
    description: latin(description),
    characterSets,
  });
  const of = (...all: ReturnType<typeof words>[]) => {
    const [first] = all;
    if (first === undefined) throw new Error('no words');
    const { number: seriesNumber, description } = derivedSeries(all, first, { slot: 2, mark: 'SR2x' });
    return [seriesNumber, String.fromCharCode(...description)];
  };
  it.each([
    ['of the first slice', [words(3, 'Thorax'), words(4, 'Abdomen')], [302, 'limpid SR2x Thorax']],
    ['without a number', [words(null, 'Thorax')], [9002, 'limpid SR2x Thorax']],
    [
      'beyond ASCII, the same set in all',
      [words(3, 'f\xfcr', 'ISO_IR 100'), words(3, 'x', 'ISO_IR 100')],
      [302, 'limpid SR2x f\xfcr'],
    ],
    [
      'beyond ASCII, where another slice reads those bytes otherwise',
      [words(3, 'f\xfcr', 'ISO_IR 100'), words(3, 'x', 'ISO_IR 192')],
      [302, 'limpid SR2x series 3'],
    ],
    ['ASCII in any sets', [words(3, 'x', 'ISO_IR 100'), words(3, 'x')], [302, 'limpid SR2x x']],
  ])('%s', (_name, all, expected) => expect(of(...all)).toEqual(expected));
});

describe('cutText', () => {
  it('gives a beginning of the text that ends between characters, for any UTF-8 text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(80), (value, most) => {
        const cut = new TextDecoder('utf-8', { fatal: true }).decode(
          cutText(['ISO_IR 192'], utf8(value), most, false) ?? utf8('?'),
        );
        expect(value.startsWith(cut)).toBe(true);
        expect(Array.from(cut).length).toBe(Math.min(most, Array.from(value).length));
      }),
    );
  });
});

describe('Derivation Description and Image Comments', () => {
  it('say what was done', () => {
    const [source] = syntheticSeries(1);
    if (source === undefined) throw new Error('no source');
    const plan = planFor([source]);
    expect(derivationWords(plan)).toBe(
      `limpid ${version}: noise reduction, ct-low-dose 1.2.0, strength 0.40, noise 24.1 to 14.5 HU`,
    );
    expect(derivationWords({ ...plan, strengthAsked: 0, noise: { before: null, after: null, unit: 'STORED' } })).toBe(
      `limpid ${version}: noise reduction, ct-low-dose 1.2.0`,
    );
  });

  it('stand behind the source’s text', () => {
    const ds = derivedFrom(sourceWith([0x00082111, 'ST', 'first step'], [0x00204000, 'LT', latin('l\xe4uft ')]));
    expect(text(ds, 'DerivationDescription')).toMatch(/^first step; limpid [0-9.]+: /);
    expect(rawText(ds, 'ImageComments')).toEqual(latin('l\xe4uft; limpid: noise reduced, not for primary diagnosis'));
  });

  it('cut the source’s text where both do not fit', () => {
    const ds = derivedFrom(sourceWith([0x00082111, 'ST', 'x'.repeat(1020)]));
    expect(rawText(ds, 'DerivationDescription')).toHaveLength(1024);
    expect(text(ds, 'DerivationDescription')).toMatch(/^x{900}x*\.\.\.; limpid [0-9.]+: .* HU$/);
  });

  it('cut long comments too, and pass the own check', () => {
    const ds = derivedFrom(sourceWith([0x00204000, 'LT', 'c'.repeat(10_235)]));
    expect(rawText(ds, 'ImageComments')).toHaveLength(10_240);
    expect(text(ds, 'ImageComments')).toMatch(/^c{10000}c*\.\.\.; limpid: noise reduced, not for primary diagnosis$/);
  });

  const japanese = `${escape}$B;3ED${escape}(B `; // 山田, a space
  it.each([
    ['Japanese', '\\ISO 2022 IR 87', latin(japanese.repeat(400)), '山田 '],
    ['Japanese in one run', '\\ISO 2022 IR 87', latin(`${escape}$B${';3ED'.repeat(600)}${escape}(B`), '山田'],
    ['Japanese behind JIS X 0201', 'ISO 2022 IR 13\\ISO 2022 IR 87', latin(`${escape}$B${';3ED'.repeat(600)}`), '山田'],
    ['Korean', '\\ISO 2022 IR 149', latin(`${escape}$)C${'\xb9\xe8\xbf\xf8'.repeat(600)}`), '배원'],
    ['Chinese', '\\ISO 2022 IR 58', latin(`${escape}$)A${'\xcd\xf5'.repeat(1200)}`), '王'],
    ['Chinese in GB18030', 'GB18030', latin('\xcd\xf5'.repeat(1200)), '王'],
    ['any in UTF-8', 'ISO_IR 192', utf8('頭'.repeat(1200)), '頭'],
  ])('cut a long text in %s between characters, by characters and not by bytes', (_name, set, value, unit) => {
    const source = sourceWith([characterSet, 'CS', set], [0x00082111, 'ST', value]);
    const ds = derivedFrom(source);
    const sets = texts(ds, 'SpecificCharacterSet');
    const said = decodeText(rawText(ds, 0x00082111), sets).replaceAll('\x1b(B', '').replaceAll('\x1b(J', '');
    const [front = '', behind] = said.split('...; ');
    expect(behind).toBe(derivationWords(planFor([source])));
    expect(unit.repeat(1200).startsWith(front)).toBe(true);
    expect(Array.from(said).length).toBe(1024);
  });

  it('leaves a text of many bytes and few characters whole', () => {
    const value = latin(japanese.repeat(280)); // 840 characters in 3080 bytes
    const ds = derivedFrom(sourceWith([characterSet, 'CS', '\\ISO 2022 IR 87'], [0x00082111, 'ST', value]));
    expect(text(ds, 'DerivationDescription')).toMatch(/^(山田 ){279}山田; limpid /);
  });

  it('close an escape that the source left open', () => {
    const open = latin(`${escape}$B;3ED`);
    expect(closedText(open, [])).toEqual(latin(`${escape}$B;3ED${escape}(B`));
    expect(closedText(open, ['ISO 2022 IR 13', 'ISO 2022 IR 87'])).toEqual(latin(`${escape}$B;3ED${escape}(J`));
    const long = latin(`${escape}(B`.repeat(100_000) + `${escape}$B;3`);
    expect(closedText(long, [])).toHaveLength(long.length + 3);
    expect(closedText(latin(`${escape}$B;3ED${escape}(B`), [])).toEqual(latin(`${escape}$B;3ED${escape}(B`));
    expect(closedText(latin(`${escape}$)C\xfb\xf3`), [])).toEqual(latin(`${escape}$)C\xfb\xf3`));
  });

  it('follow the qualification, which the source may hold down', () => {
    const product = { node: { stationName: 'LIMPID', deviceSerialNumber: '1', qualification: 'PRODUCT' } } as const;
    const allowed = derivedFrom(sourceWith(), product);
    expect([text(allowed, 'ContentQualification'), text(allowed, 'ImageComments')]).toEqual([
      'PRODUCT',
      'limpid: noise reduced',
    ]);
    const held = derivedFrom(sourceWith([0x00189004, 'CS', 'RESEARCH']), product);
    expect(text(held, 'ContentQualification')).toBe('RESEARCH');
    expect(text(held, 'ImageComments')).toContain('not for primary diagnosis');
  });
});

describe('numbers and Image Type', () => {
  it.each([
    [3, 1, 301],
    [0, 7, 9007],
    [null, 2, 9002],
    [-1, 2, 9002],
    [21_474_835, 99, 2_147_483_599],
    [21_474_836, 1, 9001],
  ])('source %s in slot %s becomes series %s', (source, slot, expected) =>
    expect(derivedSeriesNumber(source, slot)).toBe(expected),
  );

  it.each([
    ['ORIGINAL\\PRIMARY\\AXIAL', 'DERIVED\\SECONDARY\\AXIAL\\LIMPID'],
    ['ORIGINAL\\PRIMARY\\M\\NORM\\DIS2D', 'DERIVED\\SECONDARY\\M\\NORM\\DIS2D\\LIMPID'],
    ['ORIGINAL\\PRIMARY', 'DERIVED\\SECONDARY\\\\LIMPID'],
    ['DERIVED\\SECONDARY\\', 'DERIVED\\SECONDARY\\\\LIMPID'],
    ['', 'DERIVED\\SECONDARY\\\\LIMPID'],
  ])('%s becomes %s', (source, expected) => {
    expect(derivedImageType(sourceWith([0x00080008, 'CS', source]).dataSet)).toEqual(latin(expected));
  });

  it('keeps a value 4 for ultrasound', () => {
    const source = sourceWith([0x00080008, 'CS', 'ORIGINAL\\PRIMARY\\ABDOMINAL'], [0x00080060, 'CS', 'US']);
    expect(derivedImageType(source.dataSet)).toEqual(latin('DERIVED\\SECONDARY\\ABDOMINAL\\\\LIMPID'));
  });

  it('numbers instances by the plan where the source’s numbers are not unique', () => {
    const source = sourceWith();
    const uid = text(source.dataSet, 'SOPInstanceUID') ?? '';
    expect(numberOf(derivedFrom(source, { instanceNumbers: new Map([[uid, 17]]) }), 'InstanceNumber')).toBe(17);
    expect(numberOf(derivedFrom(source), 'InstanceNumber')).toBe(1);
  });
});

describe('equipment and lossy history', () => {
  it('moves the scanner into its item, with a manufacturer in any case', () => {
    const equipment = (ds: ReturnType<typeof derivedFrom>) => ds.get(0x0018a001)?.items?.[0];
    const plain = equipment(derivedFrom(sourceWith()));
    if (plain === undefined) throw new Error('no item');
    expect([text(plain, 'Manufacturer'), texts(plain, 'SoftwareVersions')]).toEqual(['ACME', ['v1', 'v2']]);
    const unnamed = equipment(
      derivedFrom(sourceWith([0x00080070, 'LO', ''], [0x00080008, 'CS', 'DERIVED\\PRIMARY\\AXIAL'])),
    );
    if (unnamed === undefined) throw new Error('no item');
    expect(text(unnamed, 'Manufacturer')).toBe('unknown');
    expect(text(unnamed.get(0x0040a170)?.items?.[0] ?? unnamed, 'CodeValue')).toBe('109102');
  });

  it('keeps the flag with ratios and methods, and drops those without the flag', () => {
    const history = [
      [0x00282112, 'DS', '8\\10'],
      [0x00282114, 'CS', 'ISO_15444_1\\ISO_10918_1'],
    ] as const;
    const lossy = derivedFrom(sourceWith([0x00282110, 'CS', '01'], ...history));
    expect(texts(lossy, 'LossyImageCompression')).toEqual(['01']);
    expect(texts(lossy, 'LossyImageCompressionRatio')).toEqual(['8', '10']);
    expect(texts(lossy, 'LossyImageCompressionMethod')).toEqual(['ISO_15444_1', 'ISO_10918_1']);
    const never = derivedFrom(sourceWith([0x00282110, 'CS', '00'], ...history));
    expect([texts(never, 'LossyImageCompression'), texts(never, 'LossyImageCompressionRatio')]).toEqual([['00'], []]);
  });

  it('refuses other classes, pixels that do not fit and too few of them', () => {
    expect(() =>
      derivedFrom(sourceWith([0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.7'], [0x00281052, 'DS', '0'])),
    ).toThrow(/only CT, MR/);
    const source = sourceWith();
    const figures = { noiseBefore: null, noiseAfter: null };
    const pixels = new Int32Array(32 * 32).fill(40_000);
    expect(() => deriveInstance(source, planFor([source]), pixels, figures, 0)).toThrow(/do not fit 16 bits/);
    expect(() => deriveInstance(source, planFor([source]), new Int32Array(5), figures, 0)).toThrow(/5 pixels/);
  });

  it('names every slice that the network saw', () => {
    const source = sourceWith();
    const uid = text(source.dataSet, 'SOPInstanceUID') ?? '';
    const ds = derivedFrom(source, { contextSlices: new Map([[uid, ['1.2.3', '1.2.4']]]) });
    expect(ds.get(0x00082112)?.items?.map((item) => text(item, 'ReferencedSOPInstanceUID'))).toEqual([
      uid,
      '1.2.3',
      '1.2.4',
    ]);
  });
});
