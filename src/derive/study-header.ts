// Patient and study of an instance, as bytes: what other objects of the same study have in common with it.
import type { DataSet } from '../dicom/data-set.js';
import { isPrivate, tagOf } from '../dicom/dictionary.js';
import { joined } from '../dicom/element.js';
import { copiedElement } from '../dicom/explicit-le.js';
import { writeFileMeta } from '../dicom/part10.js';
import { explicitLittleEndian } from '../dicom/uids.js';
import { text } from '../dicom/values.js';
import { isGroupLength } from './attributes.js';
import { dropInItems } from './encode.js';
import type { Written } from './encode.js';

/** Group of the Patient and Patient Study modules (PS3.3 C.7.1.1, C.7.2.2). */
const patientGroup = 0x0010;
/** General Study (PS3.3 C.7.2.1), character set, time zone; and the order, for Referenced Request Sequence. */
const ofStudy: ReadonlySet<number | undefined> = new Set(
  [
    'SpecificCharacterSet',
    'TimezoneOffsetFromUTC',
    'StudyInstanceUID',
    'StudyID',
    'StudyDate',
    'StudyTime',
    'StudyDescription',
    'AccessionNumber',
    'IssuerOfAccessionNumberSequence',
    'ReferringPhysicianName',
    'PhysiciansOfRecord',
    'ProcedureCodeSequence',
    'NameOfPhysiciansReadingStudy',
  ].map(tagOf),
);

/** The elements of patient and study, byte for byte, in Explicit LE. */
export function studyElements(source: DataSet): Written[] {
  return source.elements
    .filter(({ tag }) => ofStudy.has(tag) || (tag >>> 16 === patientGroup && !isPrivate(tag) && !isGroupLength(tag)))
    .map((element) => ({ tag: element.tag, bytes: joined(copiedElement(source, element, dropInItems())) }));
}

/** A Part 10 file of nothing but patient and study. */
export function studyHeader(source: DataSet): Uint8Array {
  const meta = writeFileMeta({
    sopClassUid: text(source, 'SOPClassUID') ?? '',
    sopInstanceUid: text(source, 'SOPInstanceUID') ?? '',
    transferSyntaxUid: explicitLittleEndian,
  });
  return joined([meta, ...studyElements(source).map(({ bytes }) => bytes)]);
}
