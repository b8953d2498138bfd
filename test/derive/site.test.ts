// What a site says of itself in derived objects, and the private elements that it has them keep (conformance 3.1).
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { configSchema } from '../../src/config/schema.js';
import { encodeElement, encodeSequence } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { explicitLittleEndian } from '../../src/dicom/uids.js';
import { items, text } from '../../src/dicom/values.js';
import { checkInstance } from '../../src/derive/check.js';
import { deriveInstance } from '../../src/derive/derive-instance.js';
import type { DecodedSource } from '../../src/derive/faults.js';
import type { DerivationPlan } from '../../src/derive/plan.js';
import { judge, judgeMissing } from '../process/check-series.js';
import { described, planFor, smoothed, syntheticCt } from '../support/derivation.js';
import { drop, set } from '../support/planted-faults.js';
import type { Planted } from '../support/planted-faults.js';

const run = promisify(execFile);
const now = Date.UTC(2026, 10, 21, 10, 16, 0);
const institution = { name: 'Own Hospital', address: '1 Main Street, Elsewhere', department: 'Radiology' };
const code = [encodeElement(0x00080100, 'SH', 'H1'), encodeElement(0x00080102, 'SH', '99X')];
const extra = new Map([
  [0x00080082, encodeSequence(0x00080082, [code])],
  [0x00430010, encodeElement(0x00430010, 'LO', 'GEMS_PARM_01')],
  [0x00431039, encodeElement(0x00431039, 'IS', '800')],
  [0x00431040, encodeElement(0x00431040, 'LO', 'kept by the site')],
  [0x00431041, encodeElement(0x00431041, 'LO', 'not kept')],
  [
    0x00081140,
    encodeSequence(0x00081140, [
      [encodeElement(0x00430010, 'LO', 'GEMS_PARM_01'), encodeElement(0x00431040, 'LO', 'in an item')],
    ]),
  ],
]);
let source: DecodedSource;
let shipped: DerivationPlan;
let plan: DerivationPlan;

const derive = (by: DerivationPlan): Uint8Array =>
  deriveInstance(source, by, smoothed(source.pixels, source.description), { noiseBefore: 24.1, noiseAfter: 14.5 }, now);

beforeAll(async () => {
  const read = described(readInstance(syntheticCt(0, extra)));
  source = { ...read, pixels: await decodePixels(read.dataSet, read.description, explicitLittleEndian) };
  shipped = planFor([source]);
  const keepPrivate = [{ creator: 'GEMS_PARM_01', group: '0043', elements: ['40'] }];
  const { node } = configSchema.parse({ node: { aeTitle: 'LIMPID', institution, keepPrivate } });
  plan = { ...shipped, node: { ...shipped.node, institution: node.institution, keepPrivate: node.keepPrivate } };
});

describe('without a word of the site', () => {
  it("the source's institution and the shipped private elements stay", () => {
    const bytes = derive(shipped);
    const { dataSet } = readInstance(bytes);
    expect(checkInstance(source, bytes, shipped)).toEqual([]);
    expect(text(dataSet, 'InstitutionName')).toBe('General');
    expect(items(dataSet, 'InstitutionCodeSequence')).toHaveLength(1);
    expect(text(dataSet, 0x00431039)).toBe('800');
    expect([0x00431040, 0x00431041].map((tag) => dataSet.get(tag))).toEqual([undefined, undefined]);
  });
});

describe('a site that names itself', () => {
  it("stands at the top, the source's institution in the scanner's item", () => {
    const bytes = derive(plan);
    const { dataSet } = readInstance(bytes);
    expect(checkInstance(source, bytes, plan)).toEqual([]);
    expect(
      ['InstitutionName', 'InstitutionAddress', 'InstitutionalDepartmentName'].map((k) => text(dataSet, k)),
    ).toEqual(Object.values(institution));
    expect(dataSet.get(0x00080082)).toBeUndefined();
    const scanner = items(dataSet, 'ContributingEquipmentSequence').at(-2);
    expect(scanner === undefined ? null : text(scanner, 'InstitutionName')).toBe('General');
  });

  it('may name a part only', () => {
    const part = { ...shipped, node: { ...shipped.node, institution: { department: 'Radiology' } } };
    const bytes = derive(part);
    const { dataSet } = readInstance(bytes);
    expect(checkInstance(source, bytes, part)).toEqual([]);
    expect(text(dataSet, 'InstitutionName')).toBe('General');
    expect(items(dataSet, 'InstitutionCodeSequence')).toHaveLength(1);
    expect(text(dataSet, 'InstitutionalDepartmentName')).toBe('Radiology');
  });

  it('keeps its private elements, in items too, and no others', () => {
    const { dataSet } = readInstance(derive(plan));
    expect([0x00430010, 0x00431039, 0x00431040].map((tag) => text(dataSet, tag))).toEqual([
      'GEMS_PARM_01',
      '800',
      'kept by the site',
    ]);
    expect(dataSet.get(0x00431041)).toBeUndefined();
    const [item] = items(dataSet, 'ReferencedImageSequence');
    expect(item === undefined ? null : text(item, 0x00431040)).toBe('in an item');
  });

  it.each<[name: string, rule: string, plant: Planted]>([
    ["the source's institution", 'EQUIP', set('InstitutionName', 'LO', 'General')],
    ['no institution', 'EQUIP', drop('InstitutionName')],
    ['no address', 'EQUIP', drop('InstitutionAddress')],
    ['another department', 'EQUIP', set('InstitutionalDepartmentName', 'LO', 'Surgery')],
    ["the source's code", 'EQUIP', set('InstitutionCodeSequence', 'SQ', new Uint8Array(0))],
    ['a private element lost', 'KEPT', drop(0x00431040)],
    ['a private element too many', 'PRIVATE', set(0x00431041, 'LO', 'not kept')],
  ])('the own check finds: %s (%s)', (_, rule, plant) => {
    expect(checkInstance(source, plant(derive(plan)), plan).map((line) => line.split(':')[0])).toContain(rule);
  });

  it('does not pass for a site that names nothing', () => {
    const found = checkInstance(source, derive(plan), shipped).map((line) => line.split(':')[0]);
    expect(found).toEqual(expect.arrayContaining(['KEPT', 'PRIVATE']));
  });

  const itWithJudge = judgeMissing() === null ? it : it.skip;
  itWithJudge('check_series.py finds nothing but what the site asked for (needs ../shared/tools)', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'limpid-site-'));
    try {
      const [from, to, allowed] = ['source', 'derived', 'allowed'].map((name) => join(folder, name));
      if (from === undefined || to === undefined || allowed === undefined) throw new Error('no folders');
      await mkdir(from);
      await mkdir(to);
      await writeFile(join(from, '0.dcm'), source.bytes);
      await writeFile(join(to, '0.dcm'), derive(plan));
      await writeFile(allowed, '^(KEPT|ADDED).*(Institution|ReferencedImageSequence)\n^PRIVATE.*0043\n');
      const { stdout } = await run('/usr/bin/python3', [judge, from, to, '--allow', allowed]);
      expect(stdout).toMatch(/^PASS/m);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('node.institution and node.keepPrivate', () => {
  const parse = (node: Readonly<Record<string, unknown>>) =>
    configSchema.safeParse({ node: { aeTitle: 'LIMPID', ...node } });
  it.each([
    [{ institution: { name: 'Krankenhaus Süd' } }],
    [{ institution: { name: 'A\\B' } }],
    [{ institution: { name: 'x'.repeat(65) } }],
    [{ institution: { name: ' x' } }],
    [{ institution: { city: 'x' } }],
    [{ keepPrivate: [{ creator: 'X', group: '0042', elements: 'all' }] }],
    [{ keepPrivate: [{ creator: 'X', group: 43, elements: 'all' }] }],
    [{ keepPrivate: [{ creator: 'X', group: '0177', elements: 'all' }] }],
    [{ keepPrivate: [{ creator: 'X', group: '0043', elements: [] }] }],
    [{ keepPrivate: [{ creator: 'X', group: '0043', elements: [39] }] }],
    [{ keepPrivate: [{ creator: 'X', group: '0043', elements: ['AF-A0'] }] }],
    [{ keepPrivate: [{ creator: '', group: '0043', elements: 'all' }] }],
    [{ name: 'CT-S\u00fcd' }],
    [{ name: 'a\\b' }],
    [{ name: 'seventeen letters' }],
  ])('refuses %j', (node) => expect(parse(node).success).toBe(false));

  it('reads ranges of elements', () => {
    const { node } = configSchema.parse({
      node: { aeTitle: 'LIMPID', keepPrivate: [{ creator: 'X', group: '700d', elements: ['39', 'A0-A2'] }] },
    });
    expect(node.keepPrivate).toEqual([{ creator: 'X', group: 0x700d, elements: [0x39, 0xa0, 0xa1, 0xa2] }]);
  });
});
