// The gate's questions on the pixel description.
import { decimalOf } from '../dicom/decimal.js';
import { isReason } from '../dicom/pixel-description.js';
import { isUid } from '../dicom/uid.js';
import { enhancedClasses, modalityOfClass, sopClasses, transferSyntax } from '../dicom/uids.js';
import { fault, faultOfSome } from './gate-content.js';
import type { Fault } from './gate-content.js';
import { needed, neededOfCt } from './gate-tags.js';
import { valuesOf } from './series-facts.js';
import type { InstanceFacts, SeriesFacts } from './series-facts.js';

const isCt = ({ sopClassUid }: InstanceFacts): boolean => modalityOfClass(sopClassUid) === 'CT';

export function pixelFaults(facts: SeriesFacts): Fault[] {
  const { instances } = facts;
  const missing = (keyword: string, isMissing: (instance: InstanceFacts) => boolean): Fault[] =>
    instances.some(isMissing) ? [fault('MISSING_ATTRIBUTE', keyword)] : [];
  const lacks = (keyword: string) => (instance: InstanceFacts) => valuesOf(instance, keyword).length === 0;
  return [
    ...needed.flatMap((keyword) => missing(keyword, lacks(keyword))),
    ...neededOfCt.flatMap((keyword) => missing(keyword, (instance) => isCt(instance) && lacks(keyword)(instance))),
    // Numbers that describe no plane say no more than none.
    ...neededOfCt.flatMap((keyword) =>
      missing(keyword, (instance) => !lacks(keyword)(instance) && !isPlausible(keyword, valuesOf(instance, keyword))),
    ),
    ...needed.flatMap((keyword) =>
      faultOfSome(facts, 'BAD_UID', (instance) => valuesOf(instance, keyword).some((uid) => !isUid(uid)), keyword),
    ),
    ...missing('SequenceOfUltrasoundRegions', ({ hasTissue }) => hasTissue === false),
    ...missing('PixelData', ({ hasPixelData, pixels }) => !hasPixelData && !isFloat(pixels)),
    ...instances.flatMap(({ pixels }) => (isReason(pixels) ? [pixels] : [])),
    ...faultOfSome(
      facts,
      'BAD_PIXEL_DESCRIPTION',
      ({ pixels, sopClassUid }) => !isReason(pixels) && pixels.frames !== 1 && !isMultiFrame(sopClassUid),
      'several frames in a single-frame class',
    ),
    ...otherUnits(facts),
    ...faultOfSome(facts, 'LOSSY', isLossy),
    ...mixedPixels(facts),
  ];
}

/** Cosines are written with few decimals. */
const unitWithin = 0.01;

/** Whether the numbers of position, orientation and spacing can be of a plane (PS3.3 C.7.6.2). */
function isPlausible(keyword: (typeof neededOfCt)[number], values: readonly string[]): boolean {
  const numbers = values.map(decimalOf);
  if (!numbers.every(Number.isFinite)) return false;
  if (keyword === 'ImagePositionPatient') return numbers.length === 3;
  if (keyword === 'PixelSpacing') return numbers.length === 2 && numbers.every((spacing) => spacing > 0);
  if (numbers.length !== 6) return false;
  const dot = (a: number, b: number): number =>
    [0, 1, 2].reduce((sum, axis) => sum + (numbers[a + axis] ?? 0) * (numbers[b + axis] ?? 0), 0);
  return [dot(0, 0) - 1, dot(3, 3) - 1, dot(0, 3)].every((error) => Math.abs(error) <= unitWithin);
}

/** Rescale Types of Hounsfield units: where none is named a CT has them, US (unspecified) is seen on plain CT, and some write the word. */
const hounsfield = /^(HU|US|HOUNSFIELD.*)$/i;

/** Maps of materials, atomic numbers, electron density in the class of CT (PS3.3 C.11.1.1.2): no HU, so no noise or tissue that limpid knows. */
function otherUnits(facts: SeriesFacts): Fault[] {
  const unit = (instance: InstanceFacts): string => valuesOf(instance, 'RescaleType')[0] ?? 'HU';
  const isOther = (instance: InstanceFacts): boolean => isCt(instance) && !hounsfield.test(unit(instance));
  const found = facts.instances.find(isOther);
  return found === undefined ? [] : faultOfSome(facts, 'BAD_RESCALE', isOther, `Rescale Type ${unit(found)}`);
}

const isMultiFrame = (sopClassUid: string): boolean =>
  enhancedClasses.has(sopClassUid) || sopClassUid === sopClasses.usMultiFrame;

/** Float Pixel Data stands in place of Pixel Data, and has its own code. */
const isFloat = (pixels: InstanceFacts['pixels']): boolean =>
  isReason(pixels) && pixels.code === 'BAD_PIXEL_DESCRIPTION';

function isLossy(instance: InstanceFacts): boolean {
  const syntax = transferSyntax(instance.transferSyntaxUid);
  // JPEG 2000 may be lossless under its general syntax; only the flag could tell, and it is not always true.
  return (syntax?.lossyMethod ?? null) !== null || valuesOf(instance, 'LossyImageCompression')[0] === '01';
}

function mixedPixels({ instances }: SeriesFacts): Fault[] {
  const described = instances.flatMap((instance) =>
    isReason(instance.pixels) ? [] : [{ ...instance.pixels, ct: isCt(instance) }],
  );
  const kinds = (of: (pixels: (typeof described)[number]) => unknown): number => new Set(described.map(of)).size;
  const what = [
    kinds(({ bitsStored }) => bitsStored) > 1 ? 'bits stored' : '',
    kinds(({ signed }) => signed) > 1 ? 'sign' : '',
    kinds(({ photometric }) => photometric) > 1 ? 'photometric interpretation' : '',
    kinds(({ ct, slope, intercept }) => (ct ? `${slope} ${intercept}` : '')) > 1 ? 'rescale' : '',
  ].filter((word) => word !== '');
  return what.length === 0 ? [] : [fault('MIXED_PIXELS', what.join(', '))];
}
