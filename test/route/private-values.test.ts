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
