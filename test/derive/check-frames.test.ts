// Faults that only objects of several frames can have, planted one at a time in a correct derived object: functional groups, frames,
// dimensions, evidence, derivations of frames; of ultrasound what lies beside its tissue.
import { beforeAll, describe, expect, it } from '@jest/globals';
import { encodeSequence, joined } from '../../src/dicom/element.js';
import { copiedItem } from '../../src/dicom/explicit-le.js';
import { readInstance } from '../../src/dicom/file.js';
import type { Instance } from '../../src/dicom/file.js';
import { tissueRegions } from '../../src/dicom/ultrasound-regions.js';
import { withGrey, greyOf } from '../../src/dicom/ultrasound.js';
import { items } from '../../src/dicom/values.js';
import type { DerivationPlan } from '../../src/derive/plan.js';
import { planFor, smoothed } from '../support/derivation.js';
import { derivedObject, objectFaults } from '../support/derived-object.js';
import type { OnFrame } from '../support/derived-object.js';
import { enhancedCt, enhancedCtUids } from '../support/enhanced-ct.js';
import { at, change, changeItem, doubled, drop, set, tag } from '../support/planted-faults.js';
import type { Planted } from '../support/planted-faults.js';
import { caliper, columns, frames, marked, region, rows } from '../support/ultrasound-cine.js';

const now = Date.UTC(2026, 10, 21, 10, 16, 0);
const [size, count] = [48, 3];

interface Derived {
  readonly source: Instance;
  readonly plan: DerivationPlan;
  readonly bytes: Uint8Array;
}

async function derivedOf(file: Uint8Array, onFrame: OnFrame): Promise<Derived> {
  const source = readInstance(file);
  const plan = planFor([source]);
  const { bytes, faults } = await derivedObject(source, plan, onFrame, now);
  expect(faults).toEqual([]);
  return { source, plan, bytes };
}

async function found({ source, plan, bytes }: Derived, plant: Planted): Promise<(string | undefined)[]> {
  const changed = plant(bytes);
  expect(Buffer.compare(changed, bytes)).not.toBe(0);
  return (await objectFaults(source, changed, plan)).map((line) => line.split(':')[0]);
}

const perFrame = 'PerFrameFunctionalGroupsSequence';
const shared = 'SharedFunctionalGroupsSequence';
const inFrame = (index: number, inner: Planted): Planted => changeItem(perFrame, index, inner);
const inShared = (inner: Planted): Planted => changeItem(shared, 0, inner);
/** Of a macro with one item. */
const inMacro = (macro: string, inner: Planted): Planted => changeItem(macro, 0, inner);
const step = (inner: Planted): Planted => inFrame(1, changeItem('DerivationImageSequence', -1, inner));
const sourceImage = (inner: Planted): Planted => step(changeItem('SourceImageSequence', 0, inner));
const frameType = (inner: Planted): Planted => inFrame(2, inMacro('CTImageFrameTypeSequence', inner));
const evidence = (inner: Planted): Planted => changeItem('SourceImageEvidenceSequence', 0, inner);
const named = (inner: Planted): Planted =>
  evidence(changeItem('ReferencedSeriesSequence', 0, changeItem('ReferencedSOPSequence', 0, inner)));

/** Puts the sequence's items in another order. */
const ordered =
  (keyword: string, order: readonly number[]): Planted =>
  (bytes) => {
    const { dataSet } = readInstance(bytes);
    const all = items(dataSet, keyword).map((item) => copiedItem(item));
    const sequence = encodeSequence(
      tag(keyword),
      order.map((index) => at(all, index)),
    );
    return set(keyword, 'SQ', sequence.subarray(12))(bytes);
  };
/** Moves a macro of the first frame to the shared groups. */
const sharedToo =
  (macro: string): Planted =>
  (bytes) => {
    const [frame] = items(readInstance(bytes).dataSet, perFrame);
    const element = frame?.get(tag(macro));
    if (frame === undefined || element === undefined) throw new Error(`no ${macro}`);
    return inShared(set(macro, 'SQ', frame.value(element).slice()))(bytes);
  };
/** Changes the frames' bytes, each given with its index. */
const framesOf =
  (bytesOfFrame: number, rearranged: (all: readonly Uint8Array[]) => readonly Uint8Array[], total: number): Planted =>
  (bytes) => {
    const start = bytes.length - bytesOfFrame * total;
    const all = Array.from({ length: total }, (_, frame) =>
      bytes.slice(start + frame * bytesOfFrame, start + (frame + 1) * bytesOfFrame),
    );
    return joined([bytes.subarray(0, start), ...rearranged(all)]);
  };

describe('the checks of an Enhanced CT Image', () => {
  let whole: Derived;
  let part: Derived;
  let second: Derived;
  beforeAll(async () => {
    whole = await derivedOf(enhancedCt({ frames: count, size }), smoothed);
    part = await derivedOf(enhancedCt({ frames: 2, size, part: { number: 1, total: 2 } }), smoothed);
    second = await derivedOf(whole.bytes, smoothed);
  });

  it('find nothing in what was derived', async () => {
    for (const { source, bytes, plan } of [whole, part, second])
      expect(await objectFaults(source, bytes, plan)).toEqual([]);
  });

  const planted: readonly (readonly [name: string, rule: string, plant: Planted])[] = [
    ['Number of Frames of another object', 'FRAMES', set('NumberOfFrames', 'IS', '2')],
    ['Number of Frames missing', 'KEPT', drop('NumberOfFrames')],
    ['groups of a frame missing', 'FRAMES', changeItem(perFrame, 1, null)],
    ['groups of all frames missing', 'FRAMES', drop(perFrame)],
    ['groups of the frames twice', 'FRAMES', doubled(perFrame)],
    ['shared groups missing', 'FRAMES', drop(shared)],
    ['shared groups twice', 'FRAMES', doubled(shared)],
    ['groups of two frames exchanged', 'FGROUP', ordered(perFrame, [1, 0, 2])],
    ['order of frames turned round', 'SOURCE', ordered(perFrame, [2, 1, 0])],
    [
      'pixels of two frames exchanged',
      'CONTENT',
      framesOf(size * size * 2, (all) => [at(all, 0), at(all, 2), at(all, 1)], count),
    ],
    [
      'pixels of one frame empty',
      'CONTENT',
      framesOf(size * size * 2, (all) => [at(all, 0), at(all, 1), new Uint8Array(size * size * 2)], count),
    ],

    ['spacing changed', 'FGROUP', inShared(inMacro('PixelMeasuresSequence', set('PixelSpacing', 'DS', '1\\1')))],
    ['slice thickness missing', 'FGROUP', inShared(inMacro('PixelMeasuresSequence', drop('SliceThickness')))],
    ['orientation missing', 'FGROUP', inShared(drop('PlaneOrientationSequence'))],
    [
      'rescale intercept changed',
      'FGROUP',
      inShared(inMacro('PixelValueTransformationSequence', set('RescaleIntercept', 'DS', '0'))),
    ],
    ['window twice', 'FGROUP', inShared(doubled('FrameVOILUTSequence'))],
    ['window empty', 'FGROUP', inShared(changeItem('FrameVOILUTSequence', 0, null))],
    [
      'position of another frame',
      'FGROUP',
      inFrame(1, inMacro('PlanePositionSequence', set('ImagePositionPatient', 'DS', '-88.125\\-88.125\\4'))),
    ],
    ['position missing', 'FGROUP', inFrame(2, drop('PlanePositionSequence'))],
    [
      'indices of another frame',
      'FGROUP',
      inFrame(1, inMacro('FrameContentSequence', set('InStackPositionNumber', 'UL', 3))),
    ],
    ['indices missing', 'FGROUP', inFrame(1, inMacro('FrameContentSequence', drop('DimensionIndexValues')))],
    ['a group invented', 'FGROUP', inFrame(0, set('FrameVOILUTSequence', 'SQ', new Uint8Array(0)))],
    ['a position for all frames', 'FGROUP', sharedToo('PlanePositionSequence')],
    ['private elements in the groups', 'FGROUP', inShared(change([0x00110010, 'LO', 'ACME'], [0x00111001, 'LO', 'x']))],
    [
      'private elements in a group',
      'FGROUP',
      inFrame(0, inMacro('FrameContentSequence', change([0x00110010, 'LO', 'ACME'], [0x00111001, 'LO', 'x']))),
    ],

    ['frame type ORIGINAL', 'IMGTYPE', frameType(set('FrameType', 'CS', 'ORIGINAL\\PRIMARY\\VOLUME\\FILTERED'))],
    ['frame type SECONDARY', 'IMGTYPE', frameType(set('FrameType', 'CS', 'DERIVED\\SECONDARY\\VOLUME\\FILTERED'))],
    ['frame type with limpid’s mark', 'IMGTYPE', frameType(set('FrameType', 'CS', 'DERIVED\\PRIMARY\\VOLUME\\LIMPID'))],
    ['frame type of a finer grid', 'IMGTYPE', frameType(set('FrameType', 'CS', 'DERIVED\\PRIMARY\\VOLUME\\RESAMPLED'))],
    ['frame type missing', 'IMGTYPE', frameType(drop('FrameType'))],
    ['frame type macro missing', 'FGROUP', inFrame(2, drop('CTImageFrameTypeSequence'))],
    ['frame type macro twice', 'FGROUP', inFrame(2, doubled('CTImageFrameTypeSequence'))],
    ['presentation of a frame changed', 'FGROUP', frameType(set('PixelPresentation', 'CS', 'COLOR'))],
    ['something in the frame type macro', 'FGROUP', frameType(set('ComplexImageComponent', 'CS', 'MAGNITUDE'))],
    ['image type of a classic object', 'IMGTYPE', set('ImageType', 'CS', 'DERIVED\\SECONDARY\\VOLUME\\LIMPID')],
    ['image type of another kind of frame', 'IMGTYPE', set('ImageType', 'CS', 'DERIVED\\PRIMARY\\VOLUME\\MIXED')],

    ['dimension organisation missing', 'KEPT', drop('DimensionOrganizationSequence')],
    [
      'dimension organisation of another object',
      'KEPT',
      changeItem('DimensionOrganizationSequence', 0, set('DimensionOrganizationUID', 'UI', '2.25.5')),
    ],
    ['dimension index missing', 'KEPT', changeItem('DimensionIndexSequence', 1, null)],
    ['dimension indices exchanged', 'KEPT', ordered('DimensionIndexSequence', [1, 0])],
    [
      'dimension index of another attribute',
      'KEPT',
      changeItem('DimensionIndexSequence', 1, set('DimensionIndexPointer', 'AT', Uint8Array.of(0x20, 0, 0x28, 0x91))),
    ],
    ['acquisition context missing', 'KEPT', drop('AcquisitionContextSequence')],
    ['volumetric properties changed', 'KEPT', set('VolumetricProperties', 'CS', 'MIXED')],

    ['a frame without its step', 'DERIV', inFrame(1, drop('DerivationImageSequence'))],
    ['a step twice', 'DERIV', inFrame(1, doubled('DerivationImageSequence'))],
    ['a step for all frames too', 'DERIV', sharedToo('DerivationImageSequence')],
    ['words of a step changed', 'DERIV', step(set('DerivationDescription', 'ST', 'noise reduction'))],
    ['words of a step missing', 'DERIV', step(drop('DerivationDescription'))],
    ['code of another step', 'DERIV', step(changeItem('DerivationCodeSequence', 0, set('CodeValue', 'SH', '113040')))],
    ['code twice', 'DERIV', step(doubled('DerivationCodeSequence'))],
    ['codes missing', 'DERIV', step(drop('DerivationCodeSequence'))],
    ['something else in a step', 'DERIV', step(set('ImageComments', 'LT', 'x'))],
    ['derivation of a classic object', 'ADDED', set('DerivationDescription', 'ST', 'x')],
    ['source of a classic object', 'ADDED', set('SourceImageSequence', 'SQ', new Uint8Array(0))],
    ['source missing', 'SOURCE', step(drop('SourceImageSequence'))],
    ['source twice', 'SOURCE', step(doubled('SourceImageSequence'))],
    ['source is another frame', 'SOURCE', sourceImage(set('ReferencedFrameNumber', 'IS', '3'))],
    ['source without its frame', 'SOURCE', sourceImage(drop('ReferencedFrameNumber'))],
    ['source is another object', 'SOURCE', sourceImage(set('ReferencedSOPInstanceUID', 'UI', '2.25.9'))],
    ['source of another class', 'SOURCE', sourceImage(set('ReferencedSOPClassUID', 'UI', '1.2.3'))],
    ['source without purpose', 'SOURCE', sourceImage(drop('PurposeOfReferenceCodeSequence'))],
    ['locations not preserved', 'SOURCE', sourceImage(set('SpatialLocationsPreserved', 'CS', 'NO'))],
    ['something else of the source', 'SOURCE', sourceImage(set('PatientOrientation', 'CS', 'L\\P'))],

    ['evidence missing', 'DERIV', drop('SourceImageEvidenceSequence')],
    ['evidence twice', 'DERIV', doubled('SourceImageEvidenceSequence')],
    ['evidence of another study', 'DERIV', evidence(set('StudyInstanceUID', 'UI', '2.25.1'))],
    [
      'evidence of another series',
      'DERIV',
      evidence(changeItem('ReferencedSeriesSequence', 0, set('SeriesInstanceUID', 'UI', '2.25.1'))),
    ],
    ['evidence of another instance', 'DERIV', named(set('ReferencedSOPInstanceUID', 'UI', '2.25.1'))],
    ['evidence of another class', 'DERIV', named(set('ReferencedSOPClassUID', 'UI', '1.2.3'))],
    ['concatenation invented', 'UID', set('ConcatenationUID', 'UI', '2.25.6')],
  ];
  it.each(planted)('find: %s (%s)', async (_, rule, plant) => {
    const rules = await found(whole, plant);
    expect(rules).toContain(rule);
  });

  it.each([
    ["the source's concatenation", 'UID', set('ConcatenationUID', 'UI', enhancedCtUids.concatenation)],
    ['no concatenation', 'UID', drop('ConcatenationUID')],
    ["the source's whole object", 'UID', set('SOPInstanceUIDOfConcatenationSource', 'UI', enhancedCtUids.whole)],
    ['another number', 'KEPT', set('InConcatenationNumber', 'US', 2)],
    ['another total', 'KEPT', set('InConcatenationTotalNumber', 'US', 3)],
    ['another offset', 'KEPT', set('ConcatenationFrameOffsetNumber', 'UL', 1)],
  ] as const)('find in a part: %s (%s)', async (_, rule, plant) => {
    expect(await found(part, plant)).toContain(rule);
  });

  it.each([
    ["the source's step missing", 'DERIV', inFrame(0, changeItem('DerivationImageSequence', 0, null))],
    ['steps exchanged', 'DERIV', inFrame(0, ordered('DerivationImageSequence', [1, 0]))],
    [
      "the source's step changed",
      'DERIV',
      inFrame(0, changeItem('DerivationImageSequence', 0, set('DerivationDescription', 'ST', 'x'))),
    ],
    ["the source's evidence lost", 'DERIV', evidence(changeItem('ReferencedSeriesSequence', 0, null))],
  ] as const)('find in what was derived twice: %s (%s)', async (_, rule, plant) => {
    expect(await found(second, plant)).toContain(rule);
  });
});

describe('the checks of an ultrasound cine', () => {
  let whole: Derived;
  beforeAll(async () => {
    const source = readInstance(marked);
    const drawn = { row: caliper.row, from: caliper.column, to: caliper.column + 5 };
    whole = await derivedOf(marked, (stored, description) => {
      const mask = tissueRegions(source.dataSet, description);
      mask.fill(0, drawn.row * columns + drawn.from, drawn.row * columns + drawn.to);
      const grey = greyOf(stored, description);
      return withGrey(stored, smoothed(grey, { ...description, samples: 1 }), mask, description);
    });
  });

  it('find nothing in what was derived', async () => {
    expect(await objectFaults(whole.source, whole.bytes, whole.plan)).toEqual([]);
  });

  const bytesOfFrame = rows * columns * 3;
  /** Changes the samples of one pixel of the second frame. */
  const pixel = (row: number, column: number, by: readonly number[]): Planted =>
    framesOf(
      bytesOfFrame,
      (all) =>
        all.map((bytes, frame) =>
          frame !== 1
            ? bytes
            : bytes.map((value, index) => {
                const sample = index - (row * columns + column) * 3;
                return value + (sample >= 0 && sample < 3 ? (by[sample] ?? 0) : 0);
              }),
        ),
      frames,
    );
  const inRegion = (inner: Planted): Planted => changeItem('SequenceOfUltrasoundRegions', 0, inner);
  it.each([
    ['a grey pixel beside the region', 'REGION', pixel(region.bottom + 1, 50, [1, 1, 1])],
    ['one sample beside the region', 'REGION', pixel(50, region.left - 1, [0, 1, 0])],
    ['a pixel of the text', 'REGION', pixel(2, 3, [-1, -1, -1])],
    ['a pixel of the caliper', 'MARKS', pixel(caliper.row, caliper.column + 4, [-20, -20, 0])],
    ['tissue in colour', 'COLOUR', pixel(60, 60, [20, 0, 0])],
    ['frames exchanged', 'REGION', framesOf(bytesOfFrame, (all) => [at(all, 1), at(all, 0), at(all, 2)], frames)],
    ['the region larger', 'KEPT', inRegion(set('RegionLocationMaxX1', 'UL', 120))],
    ['the region of another kind', 'KEPT', inRegion(set('RegionDataType', 'US', 2))],
    ['the scale of the region', 'KEPT', inRegion(set('PhysicalDeltaX', 'FD', 0.025))],
    ['the regions missing', 'KEPT', drop('SequenceOfUltrasoundRegions')],
    ['other colours named', 'KEPT', set('PhotometricInterpretation', 'CS', 'YBR_FULL')],
    ['colours by planes', 'KEPT', set('PlanarConfiguration', 'US', 1)],
    ['one sample of each pixel', 'KEPT', set('SamplesPerPixel', 'US', 1)],
    ['frames fewer', 'KEPT', set('NumberOfFrames', 'IS', '2')],
    ['another time between frames', 'KEPT', set('FrameTime', 'DS', '66.6')],
    [
      'the order of frames by another attribute',
      'KEPT',
      set('FrameIncrementPointer', 'AT', Uint8Array.of(0x18, 0, 0x65, 0x10)),
    ],
    ['image type without its fourth value', 'IMGTYPE', set('ImageType', 'CS', 'DERIVED\\SECONDARY\\ABDOMINAL\\LIMPID')],
    ['functional groups', 'ADDED', set(perFrame, 'SQ', new Uint8Array(0))],
  ] as const)('find: %s (%s)', async (_, rule, plant) => {
    expect(await found(whole, plant)).toContain(rule);
  });
});
