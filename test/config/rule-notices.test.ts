import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../src/config/load.js';
import { ruleNotices } from '../../src/config/rule-notices.js';
import { withFolder } from '../support/temporary.js';

const pacs = 'pacs: { aeTitle: PACS, host: 127.0.0.1, port: 104, receive: { store: refuse } }';

/** What is said of rules with these conditions, in order. */
const noticesOf = (conditions: readonly string[], callers: 'refuse' | 'accept' = 'refuse'): Promise<string[]> =>
  withFolder(async (folder) => {
    const file = join(folder, 'limpid.yaml');
    const rules = conditions.map((when, index) => `  - { name: r${index}, when: ${when}, forward: [pacs] }`);
    const node = `node: { aeTitle: LIMPID, unknownCallers: ${callers} }`;
    await writeFile(file, [node, `peers: { ${pacs}, ct1: { aeTitle: CT1 } }`, 'rules:', ...rules].join('\n'));
    return ruleNotices(await loadConfig(file, {}));
  });

describe('rules that match nothing', () => {
  it.each([
    ['{ Peer: ct2 }', 'Peer equals ct2: that is no peer that may store here (ct1)'],
    ['{ Peer: pacs }', 'Peer equals pacs: that is no peer that may store here (ct1)'],
    ['{ CallingAE: ct1 }', 'CallingAE equals ct1: that is no AE title of a peer that may store here (CT1)'],
    ['{ CalledAE: limpid }', 'CalledAE equals limpid: that is not this node, LIMPID'],
    ['{ Modality: ct }', 'Modality equals ct: that is no modality of the standard; case counts'],
    ['{ all: [{ Modality: CT }, { Modality: MR }] }', 'Modality equals CT and Modality equals MR: no value is both'],
    [
      '{ Modality: CT, all: [{ Modality: ct }] }',
      'Modality equals ct: that is no modality of the standard; case counts',
    ],
    [
      '{ SliceThickness: { above: 5, below: 3 } }',
      'SliceThickness above 5 and SliceThickness below 3: no number is both',
    ],
    ['{ KVP: { atLeast: 80, below: 80 } }', 'KVP atLeast 80 and KVP below 80: no number is both'],
    ['{ any: [{ Peer: x }, { Modality: mr }] }', 'Peer equals x: that is no peer that may store here (ct1)'],
    [
      '{ Modality: CT, anyInstance: { Modality: xx } }',
      'Modality equals xx: that is no modality of the standard; case counts',
    ],
  ])('%s', async (when, says) => {
    expect(await noticesOf([when])).toEqual([`rule r0 matches nothing: ${says}`]);
  });

  it.each([
    '{ Peer: ct1, CallingAE: { glob: "CT*" }, CalledAE: LIMPID, Modality: { matches: "^(CT|MR)$" } }',
    '{ not: { Modality: ct }, Peer: { exists: true } }',
    '{ SliceThickness: { atLeast: 3, atMost: 3, below: 5 } }',
    '{ any: [{ Peer: x }, { Modality: MR }] }',
  ])('nothing is said of %s', async (when) => {
    expect(await noticesOf([when])).toEqual([]);
  });

  it('callers that nobody knows may have any AE title, and are the peer unknown', async () => {
    expect(await noticesOf(['{ CallingAE: OTHER }', '{ Peer: unknown }'], 'accept')).toEqual([]);
  });

  it('are those too whose series an earlier rule takes', async () => {
    const thin = '{ SliceThickness: { atMost: 3 }, Modality: CT }';
    expect(await noticesOf([thin, '{ Modality: CT }', '{ Modality: CT, not: { KVP: 80 } }', thin])).toEqual([
      'rule r2 is never reached: r1 takes all that it matches',
      'rule r3 is never reached: r0 takes all that it matches',
    ]);
    const long = (end: string): string => `{ SeriesDescription: ${'x'.repeat(60)}${end} }`;
    expect(await noticesOf([long('a'), long('b')])).toEqual([]);
  });
});
