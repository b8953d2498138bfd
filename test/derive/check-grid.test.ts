// Faults that only an image on a finer grid can have, planted one at a time in a correct derived object.
import { beforeAll, describe, expect, it } from '@jest/globals';
import { encodeElement } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import type { Instance } from '../../src/dicom/file.js';
import { items } from '../../src/dicom/values.js';
import { checkInstance } from '../../src/derive/check.js';
import { deriveInstance } from '../../src/derive/derive-instance.js';
import { onNewGrid } from '../../src/derive/grid.js';
import type { DerivationPlan } from '../../src/derive/plan.js';
import { described, planFor, syntheticCt } from '../support/derivation.js';
import { derivedObject, objectFaults } from '../support/derived-object.js';
import { figures, now } from '../support/derived-pair.js';
import { enhancedCt } from '../support/enhanced-ct.js';
import { changeItem, drop, set, tag } from '../support/planted-faults.js';
import type { Planted } from '../support/planted-faults.js';
import { decodePixels } from '../../src/dicom/pixels.js';

const geometry = { scale: 2, sampling: 'half_pixel' } as const;
const onGrid = (sources: readonly Instance[]): DerivationPlan => ({ ...planFor(sources, 0), geometry });
const rulesOf = (faults: readonly string[]): string[] => faults.map((line) => line.split(':')[0] ?? '');

describe('the checks of an Enhanced CT image on a finer grid', () => {
  let source: Instance;
  let plan: DerivationPlan;
  let bytes: Uint8Array;
  beforeAll(async () => {
    source = readInstance(enhancedCt({ frames: 2, size: 32 }));
    plan = onGrid([source]);
    const made = await derivedObject(source, plan, (stored, form) => onNewGrid(stored, form, plan), now);
    expect(made.faults).toEqual([]);
    bytes = made.bytes;
  });

  it('find nothing in what was derived, whose spacings have the VR of the standard', async () => {
    expect(await objectFaults(source, bytes, plan)).toEqual([]);
    const [shared] = items(readInstance(bytes).dataSet, 'SharedFunctionalGroupsSequence');
    const vr = (macro: string, keyword: string) =>
      shared === undefined ? null : items(shared, macro)[0]?.get(tag(keyword))?.vr;
    expect(vr('CTReconstructionSequence', 'ReconstructionPixelSpacing')).toBe('FD');
    expect(vr('PixelMeasuresSequence', 'PixelSpacing')).toBe('DS');
  });

  const shared = (macro: string, plant: Planted): Planted =>
    changeItem('SharedFunctionalGroupsSequence', 0, changeItem(macro, 0, plant));
  const reconstruction = (plant: Planted): Planted => shared('CTReconstructionSequence', plant);
  const doubles = (...values: number[]): Uint8Array => new Uint8Array(Float64Array.from(values).buffer);
  it.each<[name: string, rule: string, plant: Planted]>([
    ['slice thickness divided too', 'FGROUP', shared('PixelMeasuresSequence', set('SliceThickness', 'DS', '1'))],
    ['slice thickness missing', 'FGROUP', shared('PixelMeasuresSequence', drop('SliceThickness'))],
    ['field of view divided too', 'FGROUP', reconstruction(set('ReconstructionFieldOfView', 'FD', doubles(60, 60)))],
    ['an attribute invented', 'FGROUP', reconstruction(set('ReconstructionDiameter', 'DS', '60'))],
    ['a macro missing', 'FGROUP', changeItem('SharedFunctionalGroupsSequence', 0, drop('CTReconstructionSequence'))],
    [
      'a macro without items',
      'FGROUP',
      changeItem('SharedFunctionalGroupsSequence', 0, changeItem('CTReconstructionSequence', 0, null)),
    ],
    [
      "the source's reconstruction spacing",
      'GEOM',
      reconstruction(set('ReconstructionPixelSpacing', 'FD', doubles(3.75, 3.75))),
    ],
    [
      'reconstruction spacing as text',
      'SYNTAX',
      reconstruction(set('ReconstructionPixelSpacing', 'DS', '1.875\\1.875')),
    ],
    ["the source's spacing", 'GEOM', shared('PixelMeasuresSequence', set('PixelSpacing', 'DS', '3.75\\3.75'))],
    ['spacing missing', 'FGROUP', shared('PixelMeasuresSequence', drop('PixelSpacing'))],
    [
      'position missing',
      'FGROUP',
      changeItem(
        'PerFrameFunctionalGroupsSequence',
        1,
        changeItem('PlanePositionSequence', 0, drop('ImagePositionPatient')),
      ),
    ],
    [
      "the source's position",
      'GEOM',
      changeItem(
        'PerFrameFunctionalGroupsSequence',
        1,
        changeItem('PlanePositionSequence', 0, set('ImagePositionPatient', 'DS', '-58.125\\-58.125\\2')),
      ),
    ],
  ])('find: %s (%s)', async (_, rule, plant) => {
    expect(rulesOf(await objectFaults(source, plant(bytes), plan))).toContain(rule);
  });
});

describe('the checks of a classic image on a finer grid', () => {
  it.each<[name: string, rule: string | null, plant: Planted]>([
    ['nothing', null, (bytes) => bytes],
    ["the source's detector spacing", 'GEOM', set('ImagerPixelSpacing', 'DS', '0.4\\0.6')],
    ['detector spacing missing', 'GEOM', drop('ImagerPixelSpacing')],
    ["the source's scanned spacing", 'GEOM', set('NominalScannedPixelSpacing', 'DS', '0.2\\0.2')],
    ["the source's spacing", 'GEOM', set('PixelSpacing', 'DS', '0.7\\0.7')],
    ["the source's position", 'GEOM', set('ImagePositionPatient', 'DS', '-100\\-100\\0')],
    ["the source's rows", 'GRID', set('Rows', 'US', 32)],
    ['another orientation', 'KEPT', set('ImageOrientationPatient', 'DS', '0\\1\\0\\1\\0\\0')],
    ['an overlay', 'OVERLAY', set(0x60000010, 'US', 32)],
    ["the source's shutter", 'OVERLAY', set('ShutterRightVerticalEdge', 'IS', '30')],
    [
      'spatial locations said to be preserved',
      'SOURCE',
      changeItem('SourceImageSequence', 0, set('SpatialLocationsPreserved', 'CS', 'YES')),
    ],
  ])('find: %s (%s)', async (_, rule, plant) => {
    const extra = new Map([
      [0x00181164, encodeElement(0x00181164, 'DS', '0.4\\0.6')],
      [0x00182010, encodeElement(0x00182010, 'DS', '0.2\\0.2')],
      [0x00181600, encodeElement(0x00181600, 'CS', 'RECTANGULAR')],
      [0x00181604, encodeElement(0x00181604, 'IS', '30')],
      [0x00181623, encodeElement(0x00181623, 'US', 0x6000)],
    ]);
    const read = described(readInstance(syntheticCt(0, extra)));
    const pixels = await decodePixels(read.dataSet, read.description, read.part10.transferSyntaxUid);
    const plan = onGrid([read]);
    const bytes = deriveInstance(read, plan, onNewGrid(pixels, read.description, plan), figures, now);
    const { elements } = readInstance(bytes).dataSet;
    expect(elements.filter(({ tag: own }) => own >= 0x00181600 && own < 0x00181630)).toEqual([]);
    const found = rulesOf(checkInstance({ ...read, pixels }, plant(bytes), plan));
    if (rule === null) expect(found).toEqual([]);
    else expect(found).toContain(rule);
  });
});
