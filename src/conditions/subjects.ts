// What a condition or a mark speaks of: an attribute by keyword or tag, or one of limpid's own facts.
import { keywordOf, keywords, tagOf, tagText, vrOf } from '../dicom/dictionary.js';
import type { FactName, Subject } from '../rule.js';
import { didYouMean } from './suggest.js';

export type ValueKind = 'number' | 'text' | 'age' | 'any';

const facts: Readonly<Record<FactName, ValueKind>> = {
  CallingAE: 'text',
  CalledAE: 'text',
  Peer: 'text',
  SliceCount: 'number',
  SpacingBetweenPositions: 'number',
};
const isFact = (name: string): name is FactName => Object.hasOwn(facts, name);

const numeric = new Set(['DS', 'IS', 'US', 'SS', 'UL', 'SL', 'FL', 'FD', 'UV', 'SV', 'xs']);
/** Sequences and bulk data hold nothing that a condition could compare. */
const opaque = new Set(['SQ', 'OB', 'OW', 'OF', 'OD', 'OL', 'OV', 'ox', 'lt']);

/** Beside group 0010, person names, UIDs and private attributes: what can point at a patient or a visit. */
const identifying = new Set([
  'AccessionNumber',
  'StudyID',
  'StudyDescription',
  'InstitutionName',
  'InstitutionAddress',
  'ImageComments',
  'AdmissionID',
  'RequestAttributesSequence',
  'RequestedProcedureID',
  'ScheduledProcedureStepID',
  'PerformedProcedureStepID',
  'RequestingService',
  'CurrentPatientLocation',
  'FillerOrderNumberImagingServiceRequest',
  'PlacerOrderNumberImagingServiceRequest',
  'DeviceSerialNumber',
]);
const datesAndNames = new Set(['PN', 'DA', 'DT', 'TM', 'UN']);
/** Commands, file meta information, directories of media, items: groups of elements that stand in no data set of an image. */
const outside: ReadonlySet<number> = new Set([0x0000, 0x0002, 0x0004, 0xfffe]);
const classUids = new Set(['SOPClassUID', 'MediaStorageSOPClassUID', 'TransferSyntaxUID']);

function pointsAtPatient(tag: number, vr: string, keyword: string): boolean {
  const isPrivate = (tag & 0x10000) !== 0;
  if (tag >>> 16 === 0x0010 || isPrivate || datesAndNames.has(vr)) return true;
  return (vr === 'UI' && !classUids.has(keyword)) || identifying.has(keyword);
}

/** Tag of `(0018,0050)`, or null where the text is none. */
export function parseTag(text: string): number | null {
  const parts = /^\(([0-9a-fA-F]{4}),([0-9a-fA-F]{4})\)$/.exec(text);
  return parts === null ? null : Number.parseInt(`${parts[1]}${parts[2]}`, 16);
}

/** What is left of a tag where YAML takes its comma for the end of a key. */
const halfTag = /^(\([0-9a-fA-F]{4}|[0-9a-fA-F]{4}\))$/;

export type ReadSubject =
  | { readonly subject: Subject; readonly values: ValueKind }
  /** Why the name names nothing that can be compared. */
  | { readonly fault: string };

/** Reads the name of an attribute (keyword or tag) or fact. */
export function readSubject(name: string): ReadSubject {
  if (isFact(name)) return { subject: { kind: 'fact', name }, values: facts[name] };
  const tag = parseTag(name) ?? tagOf(name);
  if (tag === undefined) {
    const guess = halfTag.test(name)
      ? '; a tag within { } needs quotes'
      : didYouMean(name, [...Object.keys(facts), ...keywords()]);
    return { fault: `expected a DICOM keyword, a tag as (0018,0050), or a fact of limpid's, found ${name}${guess}` };
  }
  if (outside.has(tag >>> 16) && keywordOf(tag) !== 'TransferSyntaxUID')
    return {
      fault: `${name} stands in no data set (group ${tagText(tag).slice(1, 5)}); outside it only TransferSyntaxUID can be asked for`,
    };
  const vr = vrOf(tag);
  if (opaque.has(vr))
    return { fault: `${name} holds a sequence or bulk data (VR ${vr}), which no condition can compare` };
  const values: ValueKind = vr === 'AS' ? 'age' : numeric.has(vr) ? 'number' : vr === 'UN' ? 'any' : 'text';
  const hidden = pointsAtPatient(tag, vr, keywordOf(tag) ?? '');
  return { subject: { kind: 'attribute', name, tag, identifying: hidden }, values };
}
