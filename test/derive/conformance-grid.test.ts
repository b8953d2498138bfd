// Section 3.4 of the conformance rules, row by row: where the pixels of a finer grid lie.
import { beforeAll, describe, expect, it } from '@jest/globals';
import { encodeElement, encodeSequence } from '../../src/dicom/element.js';
import { decimalString } from '../../src/dicom/decimal.js';
import { number, numbers, text } from '../../src/dicom/values.js';
import { newPosition, newSpacing } from '../../src/derive/geometry.js';
import type { DerivationPlan, NewGrid, Sampling } from '../../src/derive/plan.js';
import { openRegistry } from '../../src/inference/registry.js';
import type { Registry } from '../../src/inference/registry.js';
import { rules, tablesOf } from '../support/conformance-rules.js';
import { classic, expectKept, macroOf, rowsWithProofs, superResolution } from '../support/derived-pair.js';
import type { Change } from '../support/derived-pair.js';
import { modelsDirectory } from '../support/shipped-models.js';

const [samplings = [], worked = [], ofGrid = []] = tablesOf('### 3.4');
let cards: Registry;
beforeAll(async () => {
  cards = await openRegistry(modelsDirectory);
});

describe('3.4: worked examples', () => {
  const plane = {
    rows: 512,
    columns: 512,
    spacing: [0.7, 0.7],
    orientation: [1, 0, 0, 0, 1, 0],
    position: [-179.2, -190.4, 100],
  };
  const values = (cell: string): number[] => cell.split('\\').map(Number);
  const samplingOf = (word: string): Sampling => {
    const found = (['half_pixel', 'align_corners', 'asymmetric'] as const).find((sampling) => sampling === word);
    if (found === undefined) throw new Error(word);
    return found;
  };
  (rules === null ? it.skip : it)('are what the code gives (needs ../shared/conformance.md)', () => {
    expect(worked).toHaveLength(6);
    for (const [what = '', spacing = '', position = ''] of worked) {
      const [, scale = '', sampling = ''] = /^(\d) (\w+)/.exec(what) ?? [];
      const grid: NewGrid = { scale: Number(scale), sampling: samplingOf(sampling) };
      const own = /IOP (\S+), spacing (\S+), P (\S+)$/.exec(what);
      const [orientation = [], before = [], at0 = []] = own?.slice(1).map(values) ?? [];
      const of = own === null ? plane : { ...plane, orientation, spacing: before, position: at0 };
      const expected = values(spacing.replace(' (twice)', ''));
      const made = newSpacing(of, grid).map((value) => Number(decimalString(value)));
      expect([what, made]).toEqual([what, spacing.endsWith('(twice)') ? [...expected, ...expected] : expected]);
      for (const [axis, value] of newPosition(of, grid).entries())
        expect(value).toBeCloseTo(values(position)[axis] ?? NaN, 7);
    }
  });
});

const plain = { rows: 4, columns: 8, spacing: [2, 3], orientation: [0, 1, 0, 0, 0, -1], position: [1, 2, 3] };
const placed = (grid: NewGrid) => [newSpacing(plain, grid), newPosition(plain, grid)];
rowsWithProofs('3.4: sampling', samplings, {
  '`half_pixel`': () =>
    expect(placed({ scale: 2, sampling: 'half_pixel' })).toEqual([
      [1, 1.5],
      [1, 1.25, 3.5],
    ]),
  '`align_corners`': () =>
    expect(placed({ scale: 2, sampling: 'align_corners' })).toEqual([
      [(2 * 3) / 7, (3 * 7) / 15],
      [1, 2, 3],
    ]),
  '`asymmetric`': () =>
    expect(placed({ scale: 2, sampling: 'asymmetric' })).toEqual([
      [1, 1.5],
      [1, 2, 3],
    ]),
});

const usRegion: Change = [
  0x00186011,
  'SQ',
  encodeSequence(0, [
    [
      encodeElement(0x00186018, 'UL', 4),
      encodeElement(0x0018601a, 'UL', 5),
      encodeElement(0x0018601c, 'UL', 20),
      encodeElement(0x0018601e, 'UL', 21),
      encodeElement(0x00186020, 'SL', 6),
      encodeElement(0x00186028, 'FD', 9.5),
      encodeElement(0x0018602c, 'FD', 0.5),
    ],
  ]).subarray(12),
];

rowsWithProofs('3.4: attributes', ofGrid, {
  'numbers (DS)': () => {
    expect([1 / 3, 0.7 / 3, 1e-7, 123_456_789.123_456_78].map(decimalString)).toEqual([
      '0.33333333333333',
      '0.23333333333333',
      '0.0000001',
      '123456789.123457',
    ]);
  },
  'SliceThickness, SpacingBetweenSlices, SliceLocation, ImageOrientationPatient': async () =>
    expectKept(
      await classic(
        [
          [0x00180088, 'DS', '1.25'],
          [0x00201041, 'DS', '3'],
        ],
        superResolution(2, 'half_pixel'),
      ),
      'SliceThickness SpacingBetweenSlices SliceLocation ImageOrientationPatient',
    ),
  'ReconstructionDiameter (0018,1100), DataCollectionDiameter, MR FOV, AcquisitionMatrix (0018,1310), PercentSampling':
    async () =>
      expectKept(
        await classic(
          [
            [0x00181100, 'DS', '360'],
            [0x00180090, 'DS', '500'],
            [0x00181310, 'US', 256],
            [0x00180093, 'DS', '100'],
            [0x00180094, 'DS', '80'],
          ],
          superResolution(2, 'half_pixel'),
        ),
        'ReconstructionDiameter DataCollectionDiameter AcquisitionMatrix PercentSampling PercentPhaseFieldOfView',
      ),
  'ImagerPixelSpacing, NominalScannedPixelSpacing, PixelAspectRatio': async () => {
    const pair = await classic(
      [
        [0x00181164, 'DS', '0.4\\0.6'],
        [0x00182010, 'DS', '0.2\\0.2'],
        [0x00280034, 'IS', '1\\2'],
      ],
      superResolution(2, 'half_pixel'),
    );
    expectKept(pair, 'PixelAspectRatio');
    expect(numbers(pair.to, 'ImagerPixelSpacing')).toEqual([0.2, 0.3]);
    expect(numbers(pair.to, 'NominalScannedPixelSpacing')).toEqual([0.1, 0.1]);
  },
  'US regions (0018,6011)': async () => {
    const { to } = await classic([usRegion], superResolution(3, 'half_pixel'));
    const region = macroOf(to, 'SequenceOfUltrasoundRegions');
    const said = [
      'RegionLocationMinX0',
      'RegionLocationMinY0',
      'RegionLocationMaxX1',
      'RegionLocationMaxY1',
      'ReferencePixelX0',
      'PhysicalDeltaX',
      'ReferencePixelPhysicalValueX',
    ].map((keyword) => number(region, keyword));
    expect(said).toEqual([12, 15, 62, 65, 19, 0.5 / 3, 9.5]);
    const unknown = encodeElement(0x00186018, 'UN', Uint8Array.of(4, 0, 0, 0));
    const unknownVr: Change = [0x00186011, 'SQ', encodeSequence(0, [[unknown]]).subarray(12)];
    const ofUnknown = await classic([unknownVr], superResolution(3, 'half_pixel'));
    expect(number(macroOf(ofUnknown.to, 'SequenceOfUltrasoundRegions'), 'RegionLocationMinX0')).toBe(12);
  },
  SpatialLocationsPreserved: async () => {
    const said = async (plans: Partial<DerivationPlan>) =>
      text(macroOf((await classic([], plans)).to, 'SourceImageSequence'), 'SpatialLocationsPreserved');
    expect([await said({}), await said(superResolution(2, 'half_pixel'))]).toEqual(['YES', 'NO']);
  },
  DerivationCodeSequence: () => {
    const steps = (id: string) => cards.get(id)?.codes.map(({ value, scheme }) => `${value} ${scheme}`);
    expect(steps('ct-super-resolution-x2')).toEqual(['113085 DCM', 'SR 99LIMPID']);
    expect(steps('bicubic')?.[0]).toBe('113085 DCM');
  },
  'presentation states, SR, RT objects that reference source pixels': async () => {
    // One object is made for each source, of its class: nothing else is copied.
    const { from, to } = await classic();
    expect(text(to, 'SOPClassUID')).toBe(text(from, 'SOPClassUID'));
    await expect(classic([[0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.11.1']])).rejects.toThrow(/only CT, MR/);
  },
});
