import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../src/config/load.js';
import { modelNotices } from '../../src/config/model-notices.js';
import { ruleNotices } from '../../src/config/rule-notices.js';
import { rulesSchema } from '../../src/config/rule-schema.js';
import { withFolder } from '../support/temporary.js';
import { processorMs } from '../support/processor-time.js';

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
    ["{ StudyDate: '2024-01-01' }", 'StudyDate equals 2024-01-01: dates are written 20260131'],
    ["{ StudyDate: { glob: '2024-*' } }", 'StudyDate glob 2024-*: dates are written 20260131'],
    ["{ StudyTime: '17h45' }", 'StudyTime equals 17h45: times are written 174500 or 174500.25'],
    [
      "{ AcquisitionDateTime: '2024-01-01 10:00' }",
      'AcquisitionDateTime equals 2024-01-01 10:00: moments are written 20260131174500 or 20260131174500.25+0100',
    ],
    ['{ PatientAge: 45Y }', 'PatientAge equals 45Y: ages are written 045Y, 006M, 002W'],
    [
      '{ BodyPartExamined: { in: [Chest, Thorax] } }',
      'BodyPartExamined in [Chest, Thorax]: it has up to 16 capitals, digits, spaces and underscores; case counts',
    ],
    ['{ SOPClassUID: CTImageStorage }', 'SOPClassUID equals CTImageStorage: UIDs have digits and dots alone'],
    [
      "{ SeriesDescription: 'Thorax ' }",
      'SeriesDescription equals Thorax : values are read without the spaces around them',
    ],
    [
      "{ SeriesDescription: '' }",
      "SeriesDescription equals '': what stands there without a value counts as missing, for which exists: false asks",
    ],
    [
      '{ BodyPartExamined: CHEST, all: [{ BodyPartExamined: { exists: false } }] }',
      'BodyPartExamined equals CHEST and BodyPartExamined exists false: what is missing has no value',
    ],
    [
      '{ SliceThickness: { in: [5, 6], atMost: 3 } }',
      'SliceThickness in [5, 6] and SliceThickness atMost 3: no number is both',
    ],
    ['{ Modality: CT, not: { Modality: { in: [CT, MR] } } }', 'Modality in [CT, MR]: asked for, and denied by not'],
  ])('%s', async (when, says) => {
    expect(await noticesOf([when])).toEqual([`rule r0 matches nothing: ${says}`]);
  });

  it.each([
    '{ Peer: ct1, CallingAE: { glob: "CT*" }, CalledAE: LIMPID, Modality: { matches: "^(CT|MR)$" } }',
    '{ not: { Modality: ct }, Peer: { exists: true } }',
    '{ SliceThickness: { atLeast: 3, atMost: 3, below: 5 } }',
    '{ any: [{ Peer: x }, { Modality: MR }] }',
    "{ StudyDate: '20240131', SeriesDate: { glob: '2024*' }, AcquisitionDate: { matches: '-' } }",
    "{ StudyTime: '1745', AcquisitionDateTime: { glob: '2024*+0100' }, PatientAge: { in: [045Y, 45 y] } }",
    "{ ImageType: 'ORIGINAL\\PRIMARY\\\\CT_SOM5 SPI', BodyPartExamined: { in: [Chest, CHEST] } }",
    '{ Modality: CT, not: { Modality: CT, KVP: 80 }, KVP: { exists: true, in: [80, 120], atLeast: 100 } }',
    "{ SeriesDescription: { in: ['', CHEST] }, StudyDescription: { glob: '*' }, BodyPartExamined: { exists: false } }",
    '{ not: { Modality: CT }, anyInstance: { Modality: CT } }',
    "{ SeriesDescription: { in: ['a b', ' x'] }, ImageComments: ' indented', PatientAge: { atLeast: 18 } }",
  ])('nothing is said of %s', async (when) => {
    expect(await noticesOf([when])).toEqual([]);
  });

  it('a star at the end of a text is no wildcard but in a glob', async () => {
    const says = (test: string): string => `${test}: * stands for itself there; only glob takes it for any characters`;
    expect(
      await noticesOf([
        "{ not: { SeriesDescription: '*scout*' } }",
        "{ any: [{ SeriesDescription: { in: [Chest, 'Lung*'] } }, { KVP: 80 }] }",
        "{ SequenceName: '*tse2d1_15', SeriesDescription: { glob: 'Chest*' } }",
      ]),
    ).toEqual([
      `rule r0: ${says('SeriesDescription equals *scout*')}`,
      `rule r1: ${says('SeriesDescription in [Chest, Lung*]')}`,
    ]);
  });

  it('periods of a rule that are never asked for, as the rules are tried on the first instance', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'limpid.yaml');
      const rule = (name: string, when: string, rest = 'assemble: { quiet: 10m }'): string =>
        `  - { name: ${name}, when: { ${when} }, forward: [pacs], ${rest} }`;
      const rules = [
        rule('own', 'Modality: MR, SliceCount: { atLeast: 5 }'),
        rule('spaced', 'Modality: MR, SpacingBetweenPositions: { atMost: 3 }'),
        rule('few', 'Modality: CT, SliceCount: { atMost: 3 }', 'priority: batch'),
        rule('thin', 'Modality: CT, SliceThickness: { atMost: 3 }'),
        rule('ultrasound', 'Modality: US'),
        rule('many', 'SliceCount: { atLeast: 1 }'),
      ];
      const head = ['node: { aeTitle: LIMPID, unknownCallers: accept }', `peers: { ${pacs} }`, 'rules:'];
      await writeFile(file, [...head, ...rules].join('\n'));
      const where = 'holds for multi-frame objects alone, as it is asked for at the first instance of a series';
      expect(ruleNotices(await loadConfig(file, {}))).toEqual([
        `assemble of rule own ${where}: SliceCount atLeast 5 does not hold for it`,
        `assemble of rule spaced ${where}: SpacingBetweenPositions atMost 3 does not hold for it`,
        `assemble of rule thin ${where}: few takes it (SliceCount atMost 3)`,
      ]);
    }));

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

  it.each([
    ['{ Modality: { in: [CT, MR] } }', '{ Modality: CT, BodyPartExamined: HEAD }'],
    ['{ Modality: { in: [US, MR, CT] } }', '{ Modality: { in: [CT, MR] } }'],
    ['{ Modality: CT, SliceThickness: { atMost: 3 } }', '{ Modality: CT, SliceThickness: { atMost: 2 } }'],
    ['{ SliceThickness: { atMost: 3 } }', '{ SliceThickness: { below: 3 } }'],
    ['{ SliceCount: { atLeast: 5 } }', '{ SliceCount: { above: 5 } }'],
    ['{ KVP: { in: [80, 100] } }', '{ KVP: 100 }'],
  ])('are those that %s hides from %s', async (first, second) => {
    expect(await noticesOf([first, second])).toEqual(['rule r1 is never reached: r0 takes all that it matches']);
  });

  it.each([
    ['{ Modality: { in: [CT, MR] }, KVP: 80 }', '{ Modality: CT }'],
    ['{ Modality: { in: [CT, MR] } }', '{ Modality: { in: [CT, US] } }'],
    ['{ Modality: CT }', '{ Modality: { in: [CT, MR] } }'],
    ['{ SliceThickness: { atMost: 2 } }', '{ SliceThickness: { atMost: 3 } }'],
    ['{ SliceThickness: { below: 3 } }', '{ SliceThickness: { atMost: 3 } }'],
    ['{ SliceThickness: { atMost: 3 } }', '{ SliceThickness: { atLeast: 1 } }'],
    ['{ SliceCount: { above: 5 } }', '{ SliceCount: { atLeast: 5 } }'],
    ['{ SliceCount: { atMost: 3 } }', '{ SliceThickness: { atMost: 2 } }'],
    ['{ KVP: { in: [80, 100] } }', '{ KVP: { in: [100, 120] } }'],
    ['{ not: { Modality: { in: [CT, MR] } } }', '{ not: { Modality: CT } }'],
    ['{ anyInstance: { Modality: { in: [CT, MR] } } }', '{ Modality: CT }'],
  ])('are not those that %s leaves something of %s', async (first, second) => {
    expect(await noticesOf([first, second])).toEqual([]);
  });

  it('are told of the first that takes them, of several', async () => {
    const [ct, kvp] = ['Modality: CT', 'KVP: 80'];
    const notices = await noticesOf([
      `{ ${kvp} }`,
      `{ ${ct} }`,
      `{ ${ct}, ${kvp} }`,
      `{ SeriesNumber: 1, ${ct}, ${kvp} }`,
    ]);
    expect(notices).toEqual([
      'rule r2 is never reached: r0 takes all that it matches',
      'rule r3 is never reached: r0 takes all that it matches',
    ]);
  });

  it('are found among five thousand within seconds', async () => {
    const scanner = (index: number): string => `{ Modality: CT, KVP: 80, StationName: ST${index} }`;
    const conditions = Array.from({ length: 5000 }, (_, index) => scanner(index));
    const started = processorMs();
    expect(await noticesOf([...conditions, scanner(17)])).toEqual([
      'rule r5000 is never reached: r17 takes all that it matches',
    ]);
    expect(processorMs() - started).toBeLessThan(20_000);
    const thin = Array.from(
      { length: 5000 },
      (_, index) => `{ SliceThickness: { atMost: ${index + 1} }, KVP: ${index} }`,
    );
    expect(await noticesOf([...thin, '{ KVP: 17, SliceThickness: { atMost: 18 } }'])).toEqual([
      'rule r5000 is never reached: r17 takes all that it matches',
    ]);
    expect(processorMs() - started).toBeLessThan(40_000);
  }, 120_000);
});

describe('rules whose model is for other series', () => {
  const models = [
    { id: 'ct-net', modality: ['CT'], rank: 10 },
    { id: 'mr-net', modality: ['MR'], rank: null },
    { id: 'any-filter', modality: ['CT', 'MR', 'US'], rank: null },
  ];
  const noticesFor = (when: unknown, enhance: readonly { with: string; fallback?: string }[]): string[] =>
    modelNotices(
      { rules: rulesSchema.parse([{ name: 'r', ...(when === null ? {} : { when }), enhance, deliver: ['pacs'] }]) },
      models,
    );
  const says = (what: string): string => `rule r: ${what}, of which the rule matches nothing: it skips every series`;

  it.each<[unknown, { with: string; fallback?: string }, string]>([
    [{ Modality: 'CT' }, { with: 'mr-net' }, 'mr-net is for MR'],
    [{ Modality: 'CT' }, { with: 'ct-net', fallback: 'mr-net' }, 'mr-net is for MR'],
    [{ all: [{ Modality: { glob: '*R' } }, { KVP: 80 }] }, { with: 'ct-net' }, 'ct-net is for CT'],
    [{ any: [{ Modality: 'MR' }, { Modality: 'PT' }] }, { with: 'auto' }, 'auto is for CT'],
    [{ Modality: 'PT' }, { with: 'any-filter' }, 'any-filter is for CT, MR, US'],
  ])('%j %j', (when, task, words) => {
    expect(noticesFor(when, [task])).toEqual([says(words)]);
  });

  it('are none where some of what they match is for it, or nobody can tell', () => {
    const [ct, mr] = [[{ with: 'ct-net', fallback: 'any-filter' }], [{ with: 'mr-net' }]];
    expect(noticesFor(null, ct)).toEqual([]);
    expect(noticesFor({ any: [{ Modality: 'CT' }, { KVP: 80 }] }, mr)).toEqual([]);
    expect(noticesFor({ Modality: { in: ['CT', 'MR'] } }, [...ct, ...mr])).toEqual([]);
    expect(noticesFor({ not: { Modality: 'CT', KVP: 80 } }, ct)).toEqual([]);
    const nested = Array.from({ length: 15 }).reduce<unknown>((part) => ({ all: [part] }), { KVP: 80 });
    expect(noticesFor(nested, ct)).toEqual([]); // at once, however deep
    expect(noticesFor({ Modality: 'ct' }, mr)).toEqual([]); // it matches nothing: told elsewhere
  });
});
