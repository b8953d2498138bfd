// What rules find outside the data set, and in private attributes whose VR does not say how their values read: those of implicit data sets, and bulk data.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { encodeElement, encodeSequence } from '../../src/dicom/element.js';
import { explicitLittleEndian, sopClasses } from '../../src/dicom/uids.js';
import { decideRules } from '../../src/route/decide-rules.js';
import { readInstance } from '../../src/route/read-facts.js';
import { seriesFacts, tagsOf } from '../../src/route/series-facts.js';
import { syntheticCt } from '../support/derivation.js';
import { withFolder } from '../support/temporary.js';
import { rule } from './synthetic.js';

const tag = 0x00291010;
const block = encodeElement(0x00290010, 'LO', 'SOME CREATOR');

/** Whether a rule on the private attribute matches an object that has it like this. */
const matches = (element: Uint8Array, test: unknown): Promise<boolean> =>
  withFolder(async (folder) => {
    const file = join(folder, 'private.dcm');
    const elements = new Map([
      [0x00290010, block],
      [tag, element],
    ]);
    await writeFile(file, syntheticCt(0, elements));
    const identity = { sopInstanceUid: '1.2', sopClassUid: sopClasses.ct, transferSyntaxUid: explicitLittleEndian };
    const instances = await readInstance(file, identity, { tags: new Set([tag]), marks: [] });
    expect(instances).toMatchObject([{ unreadable: null }]);
    const facts = seriesFacts({ instances, sources: [], variants: 0, swept: 0 });
    return decideRules([rule('r', { '(0029,1010)': test })], facts).matched.length > 0;
  });

it('the transfer syntax, which stands before the data set, is the one that the object came in', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'classic.dcm');
    await writeFile(file, syntheticCt(0, new Map()));
    const identity = { sopInstanceUid: '1.2', sopClassUid: sopClasses.ct, transferSyntaxUid: explicitLittleEndian };
    const rules = [
      rule('lossy', { TransferSyntaxUID: '1.2.840.10008.1.2.4.50' }),
      rule('not-plain', { not: { TransferSyntaxUID: { in: [explicitLittleEndian, '1.2.840.10008.1.2'] } } }),
      rule('plain', { TransferSyntaxUID: explicitLittleEndian }),
    ];
    const instances = await readInstance(file, identity, { tags: tagsOf(rules, []), marks: [] });
    const facts = seriesFacts({ instances, sources: [], variants: 0, swept: 0 });
    expect(decideRules(rules, facts).matched.map(({ name }) => name)).toEqual(['plain']);
  }));

describe('a private attribute', () => {
  it('of VR UN that holds ASCII is its text', async () => {
    const text = encodeElement(tag, 'UN', new TextEncoder().encode(String.raw`RESEARCH \12`));
    expect(await matches(text, 'RESEARCH')).toBe(true);
    expect(await matches(text, { matches: '^12$' })).toBe(true);
    expect(await matches(encodeElement(tag, 'UN', new TextEncoder().encode('12')), { atLeast: 12 })).toBe(true);
  });

  it.each([
    ['a binary number', encodeElement(tag, 'UN', new Uint8Array([49, 0]))],
    ['bulk data, longer than any text', encodeElement(tag, 'OB', new Uint8Array(100_000).fill(200))],
    ['the same without a VR', encodeElement(tag, 'UN', new Uint8Array(100_000).fill(65))],
    ['a sequence', encodeSequence(tag, [[encodeElement(0x00080060, 'CS', 'CT')]])],
  ])('that is %s is there, and equals nothing', async (_name, element) => {
    expect(await matches(element, { exists: true })).toBe(true);
    expect(await matches(element, { exists: false })).toBe(false);
    expect(await matches(element, 1)).toBe(false);
    expect(await matches(element, { atLeast: 0 })).toBe(false);
    expect(await matches(element, '1')).toBe(false);
  });

  it('without a value is not there', async () => {
    expect(await matches(encodeElement(tag, 'OB', new Uint8Array(0)), { exists: true })).toBe(false);
  });
});

describe("the vendor's words for a diffusion image", () => {
  const wordsOf = (...elements: readonly [number, string, string | Uint8Array][]): Promise<string | null> =>
    withFolder(async (folder) => {
      const file = join(folder, 'diffusion.dcm');
      const encoded = new Map(elements.map(([key, vr, value]) => [key, encodeElement(key, vr, value)]));
      await writeFile(file, syntheticCt(0, encoded));
      const identity = { sopInstanceUid: '1.2', sopClassUid: sopClasses.mr, transferSyntaxUid: explicitLittleEndian };
      const [facts] = await readInstance(file, identity, { tags: new Set(), marks: [] });
      return facts?.vendorDiffusion ?? null;
    });

  const ofGe = (left: string): Promise<string | null> =>
    wordsOf(
      [0x00190010, 'LO', 'GEMS_ACQU_01'],
      [0x001910bb, 'DS', left],
      [0x001910bc, 'DS', '0.8'],
      [0x001910bd, 'DS', '0'],
      [0x00430010, 'LO', 'GEMS_PARM_01'],
      [0x00431039, 'IS', String.raw`1000\8\0\0`],
    );

  it('GE: two directions of one b-value differ', async () => {
    expect(await ofGe('0.6')).not.toBe(await ofGe('-0.6'));
  });

  it('GE: b-values of a read-out without directions differ', async () => {
    const of = (b: string): Promise<string | null> =>
      wordsOf([0x00430010, 'LO', 'GEMS_PARM_01'], [0x00431039, 'IS', `${b}${String.raw`\8\0\0`}`]);
    expect(await of('0')).not.toBe(await of('1000'));
  });

  it('Philips: two directions of one b-value differ, also without a VR', async () => {
    const direction = (last: number): Promise<string | null> =>
      wordsOf(
        [0x20010010, 'LO', 'Philips Imaging DD 001'],
        [0x20011003, 'FL', new Uint8Array([0, 0, 0x7a, 0x44])],
        [0x20050010, 'LO', 'Philips MR Imaging DD 001'],
        [0x200510b2, 'UN', new Uint8Array([0, 0, 0, last])],
      );
    expect(await direction(0x3f)).not.toBe(await direction(0xbf));
  });

  it('Canon: two directions of one b-value differ, by Image Comments', async () => {
    const of = (comment: string): Promise<string | null> => wordsOf([0x00204000, 'LT', comment]);
    expect(await of('b=1500(0.895,0.000,0.445)')).toBe('b=1500(0.895,0.000,0.445)');
    expect(await of('b=1500(0.000,-0.445,0.895)')).toBe('b=1500(0.000,-0.445,0.895)');
    expect(await of('second try, b=1500(0.895,0.000,0.445)')).toBeNull();
    expect(await of('b=1500')).toBeNull();
  });

  it('there are none of an image without such elements', async () => {
    expect(await wordsOf([0x00290010, 'LO', 'SOME CREATOR'])).toBeNull();
    expect(await wordsOf([0x00190010, 'LO', 'GEMS_ACQU_01'], [0x001910bb, 'DS', ''])).toBeNull();
  });
});
