// The tables of the conformance rules, row by row, against the tables that limpid works by: what becomes of each attribute, the input
// gate's codes, the private block, the codes of a withdrawal.
import { describe, expect, it } from '@jest/globals';
import { attributes, isCurve, isGroupLength, ruleOf } from '../../src/derive/attributes.js';
import { keptPrivate } from '../../src/derive/private-elements.js';
import { privateElements } from '../../src/derive/private-block.js';
import { withdrawalModifiers, withdrawalTitles } from '../../src/derive/withdrawal-document.js';
import { keywordOf, tagText } from '../../src/dicom/dictionary.js';
import { derivedClasses } from '../../src/dicom/uids.js';
import { reasons } from '../../src/errors.js';
import { rowsOf as rows, rules } from '../support/conformance-rules.js';

/** Tags of a cell such as `(0008,0012/0013)` or `(0008,1111), (0040,0244,0245)`; ranges and repeating groups are rules of code. */
function tags(cell: string): number[] {
  return [...cell.matchAll(/\(([0-9A-F]{4}),([0-9A-F]{4}(?:[,/][0-9A-F]{4})*)\)/g)].flatMap(
    ([, group = '', elements = '']) => elements.split(/[,/]/).map((element) => Number.parseInt(group + element, 16)),
  );
}

/** What the code may say where the document says so. */
const actions: Readonly<Record<string, readonly string[]>> = {
  kept: ['kept'],
  'kept, never added': ['kept'],
  'not added': ['kept'],
  replaced: ['replaced'],
  'replaced or removed': ['replaced'],
  'added or replaced': ['added'],
  'added or extended': ['replaced'],
  removed: ['removed', 'removed by rule'],
};
/** Rows that the code cannot say in the same word. */
const argued: Readonly<Record<string, string>> = {
  InstanceNumber: 'kept where it is unique, else numbered by position: written in both cases',
};

function actionOf(tag: number): string {
  if (isGroupLength(tag) || isCurve(tag)) return 'removed by rule';
  return ruleOf(tag)?.action ?? 'kept';
}

const withRules = rules === null ? describe.skip : describe;

withRules('the tables of the conformance rules (needs ../shared/conformance.md)', () => {
  it('3.1: each attribute is kept, replaced, removed or added as its row says', () => {
    const found = rows('### 3.1').flatMap(([cell = '', , action = '']) =>
      tags(cell).map((tag) => ({
        name: keywordOf(tag) ?? tagText(tag),
        expected: actions[action],
        action,
        own: actionOf(tag),
      })),
    );
    expect(found.length).toBeGreaterThan(80);
    expect(found.filter(({ expected }) => expected === undefined)).toEqual([]);
    const different = found.filter(({ name, expected, own }) => !(name in argued) && expected?.includes(own) !== true);
    expect(different).toEqual([]);
  });

  it('3.1: nothing that no row names is replaced, removed or added', () => {
    const named = new Set(
      [...rows('### 3.1'), ...rows('### 3.2'), ...rows('### 3.3')].flatMap(([cell = '', keyword = '']) => [
        ...tags(cell).map((tag) => keywordOf(tag) ?? ''),
        ...`${cell} ${keyword}`.split(/[^A-Za-z0-9]+/),
      ]),
    );
    const unnamed = attributes.filter(({ keyword, action }) => action !== 'kept' && !named.has(keyword));
    // What the document says in other words than a keyword or a single tag.
    expect(unnamed.map(({ keyword, section }) => `${keyword} ${section}`).toSorted()).toEqual([
      'AuthorizationEquipmentCertificationNumber 3.1', // (0100,0410..0426)
      'DateOfInstallation 3.1', // of the scanner, as its Device UID
      'DateOfManufacture 3.1',
      'ExtendedOffsetTable 3.3', // of the source's compressed frames, which the derived object has not
      'ExtendedOffsetTableLengths 3.3',
      'HistogramSequence 3.3', // counts of the source's pixels
      'LargestImagePixelValueInPlane 3.3', // (0028,0111), retired, as SmallestImagePixelValueInPlane
      'LossyImageCompressionMethod 3.3', // LossyImageCompression (0028,2110), Ratio, Method
      'LossyImageCompressionRatio 3.3',
      'ManufacturerDeviceClassUID 3.1', // of the scanner
      'PrivateDataElementCharacteristicsSequence 13', // below the table of the private block
      'SOPAuthorizationComment 3.1',
      'SOPAuthorizationDateTime 3.1',
      'SharedFunctionalGroupsSequence 3.2', // all other functional groups
      'SmallestImagePixelValueInPlane 3.3',
      'StationAETitle 3.1', // of the scanner
      'UDISequence 3.1',
    ]);
  });

  it('3.1: the private elements of vendors that are kept', () => {
    const text = (rules ?? '').split('\n').find((line) => line.startsWith('Private elements that are kept')) ?? '';
    const listed = [...text.matchAll(/([A-Za-z][A-Za-z0-9_ ]*?) ([0-9A-F]{4}) \(([^)]*)\)/g)].map(
      ([, creator = '', group = '', elements = '']) => ({
        creator: creator.replace(/^.*: /, '').trim(),
        group: Number.parseInt(group, 16),
        elements,
      }),
    );
    expect(listed.map(({ creator, group }) => [creator, group])).toEqual(
      keptPrivate.map(({ creator, group }) => [creator, group]),
    );
    for (const [index, { elements }] of listed.entries()) {
      const own = keptPrivate[index]?.elements;
      if (elements === 'all') expect(own).toBe('all');
      else {
        const expected = [...elements.matchAll(/\b([0-9A-F]{2})(?:-([0-9A-F]{2}))?\b/g)].flatMap(
          ([, from = '', to]) => {
            const [first, last] = [Number.parseInt(from, 16), Number.parseInt(to ?? from, 16)];
            return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
          },
        );
        expect(own).toEqual(expected);
      }
    }
  });

  it('7: each code of the input gate, with its verdict and whether a rule may lift it', () => {
    const verdicts = { S: 'skip', H: 'hold', W: 'warn' } as const;
    const codes = rows('## 7.').flatMap(([cell = '', verdict = '']) =>
      /^[SHW]\*?$/.test(verdict)
        ? cell.split(',').map((code) => [code.trim().replace(/:.*/, ''), verdict] as const)
        : [],
    );
    expect(codes.length).toBeGreaterThan(30);
    const own = new Map(Object.entries(reasons).map(([code, { verdict, lift }]) => [code, { verdict, lift }]));
    for (const [code, verdict] of codes) {
      const letter = verdict.slice(0, 1);
      if (letter !== 'S' && letter !== 'H' && letter !== 'W') throw new Error(verdict);
      expect([code, own.get(code)]).toEqual([code, { verdict: verdicts[letter], lift: verdict.endsWith('*') }]);
    }
    const listed = new Set(codes.map(([code]) => code));
    expect([...own.keys()].filter((code) => !listed.has(code))).toEqual([
      'MIXED_PATIENT', // the document assumes one patient a series
      'BAD_UID', // a source that cannot be named: the document has no code for it
      'LIMITS_NOT_MEASURED', // found when the task is done: said of a result that is delivered
      'NO_CHANGE', // found when the task is done: nothing is left to deliver
      'SUPERSEDED', // section 5.3
      'WITHHELD', // an outcome, not a question of the gate
      'POISON', // a child that dies three times
    ]);
  });

  it('2: the SOP classes that are derived', () => {
    const listed = rows('## 2.').flatMap(([cell = '']) =>
      [...cell.matchAll(/(?:1\.2\.840\.10008\.5\.1\.4\.1\.1|\.\.\.1\.1)((?:\.\d+)+)/g)].map(
        ([, end = '']) => `1.2.840.10008.5.1.4.1.1${end}`,
      ),
    );
    expect(new Set(listed)).toEqual(derivedClasses);
  });

  it('13: the elements of the private block', () => {
    const listed = rows('## 13.').flatMap(([cell = '', vr = '']) =>
      [...cell.matchAll(/xx([0-9A-F]{2})/g)].map(([, element = '']) => [Number.parseInt(element, 16), vr]),
    );
    expect(listed).toEqual(Object.values(privateElements).map(({ element, vr }) => [element, vr]));
  });

  it('12: titles and modifiers of withdrawals', () => {
    const text = rows('## 12.')
      .map((row) => row.join(' '))
      .join(' ');
    for (const { value, scheme, meaning } of [
      ...Object.values(withdrawalTitles),
      ...Object.values(withdrawalModifiers),
    ])
      expect(text).toContain(`(${value}, ${scheme}, "${meaning}")`);
  });
});
