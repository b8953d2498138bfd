// The gate's questions on what kind of image a series holds: class, origin, vendor's processing, sort of MR image.
import type { Reason, ReasonCode } from '../errors.js';
import { derivedClasses, modalityOfClass, sopClasses, transferSyntax } from '../dicom/uids.js';
import { concatenationFaults } from './gate-concatenation.js';
import type { VendorMark } from '../rule.js';
import { counted } from '../spool/counted.js';
import { ofPatient, ofSeries } from './gate-tags.js';
import { numberOf, positionGroups, valuesOf } from './series-facts.js';
import type { InstanceFacts, SeriesFacts } from './series-facts.js';

export type Fault = Reason;
export const fault = (code: ReasonCode, detail = ''): Fault => ({ code, detail });

/** The fault, with how many instances have it where not all do; none where no instance has it. */
export function faultOfSome(
  { instances }: SeriesFacts,
  code: ReasonCode,
  has: (instance: InstanceFacts) => boolean,
  detail = '',
): Fault[] {
  const count = instances.filter(has).length;
  if (count === 0) return [];
  const unit = instances.some(({ frame }) => frame !== undefined) ? 'frames' : 'instances';
  const some = count === instances.length ? '' : `${count} of ${instances.length} ${unit}`;
  return [fault(code, [detail, some].filter((part) => part !== '').join(', '))];
}

/** ImageType in upper case: value 1 pixel data, 2 patient, 3 modality's own, then implementation's. */
const imageType = (instance: InstanceFacts): string[] =>
  valuesOf(instance, 'ImageType').map((value) => value.toUpperCase());

/** Every Secondary Capture class begins like the first. */
const isSecondaryCapture = (uid: string): boolean =>
  uid === sopClasses.secondaryCapture || uid.startsWith(`${sopClasses.secondaryCapture}.`);

const isOtherClass = ({ sopClassUid, unreadable }: InstanceFacts): boolean =>
  unreadable === null && !isSecondaryCapture(sopClassUid) && !derivedClasses.has(sopClassUid);

/** The class that is in the way, and how many others: in a series of images it is often a single object without any. */
function otherClasses({ instances }: SeriesFacts): string {
  const [first = '', ...more] = new Set(instances.filter(isOtherClass).map(({ sopClassUid }) => sopClassUid));
  return more.length === 0 ? first : `${first} and ${more.length} more`;
}

/** Whether the objects are images of a class that limpid works on at all. */
export function classFaults(facts: SeriesFacts): Fault[] {
  const codingOf = ({ transferSyntaxUid }: InstanceFacts): string =>
    transferSyntax(transferSyntaxUid)?.coding ?? 'none';
  return [
    ...faultOfSome(facts, 'OWN_OUTPUT', ({ isOwn }) => isOwn),
    ...(facts.swept === 0 ? [] : [fault('SOURCE_SWEPT', counted(facts.swept, 'instance'))]),
    ...faultOfSome(facts, 'UNDECODABLE', ({ unreadable }) => unreadable !== null, 'the header cannot be read'),
    ...faultOfSome(facts, 'SECONDARY_CAPTURE', ({ sopClassUid }) => isSecondaryCapture(sopClassUid)),
    ...faultOfSome(facts, 'UNSUPPORTED_SOP_CLASS', isOtherClass, otherClasses(facts)),
    ...faultOfSome(facts, 'SCREEN_OR_REPORT', isScreenOrReport),
    ...faultOfSome(facts, 'ENCRYPTED', ({ isEncrypted }) => isEncrypted),
    ...concatenationFaults(facts),
    ...faultOfSome(
      facts,
      'UNDECODABLE',
      (instance) => instance.unreadable === null && codingOf(instance) === 'none',
      'a transfer syntax without decoder',
    ),
  ];
}

function isScreenOrReport(instance: InstanceFacts): boolean {
  if (instance.unreadable !== null) return false;
  const types = imageType(instance);
  if (types.slice(2).some((value) => /^(SCREEN ?SAVE|DOSE_INFO|PROT)$/.test(value))) return true;
  const modality = valuesOf(instance, 'Modality')[0];
  // Modality and class disagree: a picture of something else in the clothes of an image.
  const ofClass = modalityOfClass(instance.sopClassUid);
  return ofClass !== null && modality !== ofClass;
}

/** What a series of images shows. */
export function contentFaults(facts: SeriesFacts, marks: readonly VendorMark[]): Fault[] {
  const isMr = ({ sopClassUid }: InstanceFacts): boolean => modalityOfClass(sopClassUid) === 'MR';
  const { elsewhere = 0 } = facts;
  return [
    ...faultOfSome(facts, 'DERIVED', (instance) => imageType(instance)[0] !== 'ORIGINAL'),
    ...faultOfSome(facts, 'DERIVED', isProjection, 'a projection'),
    ...faultOfSome(facts, 'LOCALIZER', (instance) =>
      imageType(instance).some((value) => /LOCALIZER|SCOUT|TOPOGRAM|SURVEY/.test(value)),
    ),
    ...stationaryCt(facts),
    ...faultOfSome(facts, 'NOT_MAGNITUDE', (instance) => isMr(instance) && !isMagnitude(instance)),
    ...faultOfSome(facts, 'MOSAIC', (instance) => imageType(instance).includes('MOSAIC')),
    ...faultOfSome(
      facts,
      'BURNED_IN',
      // Outside the regions of ultrasound, where its text is, pixels are copied untouched.
      (instance) => instance.hasTissue !== true && valuesOf(instance, 'BurnedInAnnotation')[0]?.toUpperCase() === 'YES',
    ),
    ...faultOfSome(facts, 'BAD_CHARSET', ({ hasStrangeText }) => hasStrangeText),
    ...dividedSeries(facts),
    ...mixedPatients(facts),
    ...(elsewhere === 0
      ? []
      : [fault('NON_CONFORMANT', `${counted(elsewhere, 'instance')} came in another series before`)]),
    ...marks.flatMap(({ code, product, pattern }, index) =>
      faultOfSome(facts, code, (instance) => pattern.test(instance.marks[index] ?? ''), product),
    ),
  ];
}

/** Instances of one series that do not agree on what a series has one of: the derived series takes the first slice's. */
function dividedSeries({ instances }: SeriesFacts): Fault[] {
  return differing(instances, ofSeries).map((detail) => fault('NON_CONFORMANT', detail));
}

/** A Series Instance UID that two patients share: a scanner that was given the next one too late, UIDs made twice. */
function mixedPatients({ instances }: SeriesFacts): Fault[] {
  const what = differing(
    instances.filter(({ unreadable }) => unreadable === null),
    ofPatient,
  );
  return what.length === 0 ? [] : [fault('MIXED_PATIENT', what.join(', '))];
}

/** How many values each attribute has that is not the same throughout; never which: they may tell who the patient is. */
function differing(instances: readonly InstanceFacts[], keywords: readonly string[]): string[] {
  return keywords.flatMap((keyword) => {
    const found = new Set(instances.map((instance) => valuesOf(instance, keyword).join('\\')));
    return found.size > 1 ? [`${found.size} values of ${keyword} in one series`] : [];
  });
}

/** CT of one position again and again: a test bolus or a perfusion, not a volume. A series of one says nothing of movement. */
function stationaryCt(facts: SeriesFacts): Fault[] {
  const isMoving = (instance: InstanceFacts): boolean =>
    ['TableSpeed', 'TableFeedPerRotation', 'SpiralPitchFactor'].some(
      (keyword) => (numberOf(instance, keyword) ?? 0) > 0,
    );
  const { instances } = facts;
  const allCt = instances.every(({ sopClassUid }) => modalityOfClass(sopClassUid) === 'CT');
  if (!allCt || instances.length < 2 || positionGroups(facts)?.length !== 1 || instances.some(isMoving)) return [];
  return [fault('LOCALIZER', 'one position and no table movement')];
}

/** Projections that scanners call original (seen: ORIGINAL\PRIMARY\MIP_TRA\ND, MNIP, PROJECTION IMAG cut to 15 characters, then M\FFE). */
const projection = /^(MIP|MNIP|MINIP|MAX_IP|MIN_IP)(_|$)|^PROJECTION IMAG/;

function isProjection(instance: InstanceFacts): boolean {
  return imageType(instance)
    .slice(2)
    .some((value) => projection.test(value));
}

const notMagnitude = new Set(['P', 'R', 'I', 'PHASE', 'REAL', 'IMAGINARY', 'PHASE SUBTRACT', 'VELOCITY']);
/**
 * Maps that scanners call original: pixels are measures, worked out of several images. By the standard's words (PS3.3 C.8.3.1.1.1: T1 MAP,
 * DENSITY MAP, ...) and as seen: ADC_SE\ADC\SE, FA_UNSPECIFIED\FA, EADC_UNSPECIFIE, R2_UNSPECIFIED\R2, PERFUSION\NONE\DIS2D\RELCBV, PERFUSION_FFE\PERFUSION\FFE (Philips' difference of
 * labelled and control images; a flavour PERFUSION alone is that of the images it is made of).
 */
const parameter =
  /MAP$|^(E?ADC|FA|R2)(_|$)|^(REL|R)?(CBF|CBV|MTT)$|^(TTP|TMAX|FAT_FRACTION)$|^STD(_DEVIATION$|DEV_)|^PERFUSION_/;

function isMagnitude(instance: InstanceFacts): boolean {
  if (
    imageType(instance)
      .slice(2)
      .some((value) => notMagnitude.has(value) || parameter.test(value))
  )
    return false;
  const component = valuesOf(instance, 'ComplexImageComponent')[0];
  if (component !== undefined && component.toUpperCase() !== 'MAGNITUDE') return false;
  return instance.geImageType === null || instance.geImageType === 0;
}
