// The Key Object Selection Document that withdraws a derived series (conformance 12; IHE IOCM, PS3.3 A.35.4, PS3.16 TID 2010).
import type { DataSet } from '../dicom/data-set.js';
import { formatDa, formatTm } from '../dicom/datetime.js';
import type { DerivingNode } from '../dicom/deriving-node.js';
import { tagOf, vrOf } from '../dicom/dictionary.js';
import { encodeElement, encodeSequence, joined } from '../dicom/element.js';
import type { Value } from '../dicom/element.js';
import { writeFileMeta } from '../dicom/part10.js';
import { withdrawalUids } from '../dicom/uid.js';
import { explicitLittleEndian, sopClasses } from '../dicom/uids.js';
import { hasValue, text, texts } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import { version } from '../version.js';
import type { Written } from './encode.js';
import { codeItem } from './equipment.js';
import { offsetOf } from './identity.js';
import { studyElements } from './study-header.js';
import { wordsIn } from './words-in.js';

interface Code {
  readonly value: string;
  readonly scheme: string;
  readonly meaning: string;
}
const dcm = (value: string, meaning: string): Code => ({ value, scheme: 'DCM', meaning });

/** Document titles (CID 7010) that limpid sends. */
export const withdrawalTitles = {
  quality: dcm('113001', 'Rejected for Quality Reasons'),
  safety: dcm('113037', 'Rejected for Patient Safety Reasons'),
} as const;
/** What was wrong with the quality (CID 7011). */
export const withdrawalModifiers = {
  processing: dcm('111219', 'Inappropriate image processing'),
  software: dcm('111218', 'Software failure'),
  artifact: dcm('111207', 'Image artifact(s)'),
} as const;
/** Series Number of documents that withdraw. */
const seriesNumber = 9002;

export interface WithdrawalPlan {
  readonly seriesInstanceUid: string;
  /** Every instance of the derived series. */
  readonly instances: readonly { readonly sopClassUid: string; readonly sopInstanceUid: string }[];
  readonly reason: keyof typeof withdrawalTitles;
  readonly because: keyof typeof withdrawalModifiers | null;
  /** In words; the title's where empty. */
  readonly why: string;
  readonly running: number;
  /** When it was decided, ms since epoch. */
  readonly atMs: number;
  readonly node: Pick<DerivingNode, 'aeTitle' | 'stationName' | 'deviceSerialNumber'>;
}

const element = (keyword: string, value: Value): Written => {
  const tag = known(keyword);
  return { tag, bytes: encodeElement(tag, vrOf(tag), value) };
};
const sequence = (keyword: string, items: readonly (readonly Written[])[]): Written => {
  const tag = known(keyword);
  return {
    tag,
    bytes: encodeSequence(
      tag,
      items.map((elements) => ordered(elements)),
    ),
  };
};
const codes = (keyword: string, code: Code): Written => {
  const tag = known(keyword);
  return { tag, bytes: encodeSequence(tag, [codeItem(code)]) };
};
const ordered = (elements: readonly Written[]): Uint8Array[] =>
  elements.toSorted((a, b) => a.tag - b.tag).map(({ bytes }) => bytes);

function known(keyword: string): number {
  const tag = tagOf(keyword);
  if (tag === undefined) throw new LimpidError('INTERNAL', `no attribute has the keyword ${keyword}`);
  return tag;
}

/**
 * A whole Part 10 file, the same bytes whenever it is made.
 * @param study patient and study of the withdrawn series: one of its instances, or its study header
 */
export function withdrawalDocument(
  study: DataSet,
  plan: WithdrawalPlan,
): { readonly bytes: Uint8Array; readonly sopInstanceUid: string } {
  const title = withdrawalTitles[plan.reason];
  const uids = withdrawalUids(plan.seriesInstanceUid, title.value, plan.running);
  const offset = offsetOf(study);
  const [date, time] = [formatDa(plan.atMs, offset), formatTm(plan.atMs, offset)];
  const references = plan.instances.map(({ sopClassUid, sopInstanceUid }) => [
    element('ReferencedSOPClassUID', sopClassUid),
    element('ReferencedSOPInstanceUID', sopInstanceUid),
  ]);
  const studyInstanceUid = text(study, 'StudyInstanceUID') ?? '';
  const own = [
    element('SOPClassUID', sopClasses.keyObjectSelection),
    element('SOPInstanceUID', uids.document),
    element('InstanceCreationDate', date),
    element('InstanceCreationTime', time),
    element('Modality', 'KO'),
    element('SeriesInstanceUID', uids.series),
    element('SeriesNumber', String(seriesNumber)),
    element('SeriesDate', date),
    element('SeriesTime', time),
    element('SeriesDescription', 'limpid withdrawal'),
    sequence('ReferencedPerformedProcedureStepSequence', []),
    element('Manufacturer', 'limpid'),
    element('ManufacturerModelName', 'limpid'),
    element('StationName', plan.node.stationName.slice(0, 16)),
    element('DeviceSerialNumber', plan.node.deviceSerialNumber.slice(0, 64)),
    element('SoftwareVersions', `limpid ${version}`),
    element('InstanceNumber', '1'),
    element('ContentDate', date),
    element('ContentTime', time),
    ...requestOf(study, studyInstanceUid),
    sequence('CurrentRequestedProcedureEvidenceSequence', [
      [
        element('StudyInstanceUID', studyInstanceUid),
        sequence('ReferencedSeriesSequence', [
          [element('SeriesInstanceUID', plan.seriesInstanceUid), sequence('ReferencedSOPSequence', references)],
        ]),
      ],
    ]),
    element('ValueType', 'CONTAINER'),
    codes('ConceptNameCodeSequence', title),
    element('ContinuityOfContent', 'SEPARATE'),
    sequence('ContentTemplateSequence', [[element('MappingResource', 'DCMR'), element('TemplateIdentifier', '2010')]]),
    sequence('ContentSequence', contentOf(plan, texts(study, 'SpecificCharacterSet'), references)),
  ];
  const taken = new Set(own.map(({ tag }) => tag));
  const kept = studyElements(study).filter(({ tag }) => !taken.has(tag));
  const present = new Set(kept.map(({ tag }) => tag));
  // Type 2 of Patient and General Study: there, if empty, where the source left them out.
  const empty = typeTwo.map((keyword) => element(keyword, '')).filter(({ tag }) => !present.has(tag));
  const meta = writeFileMeta({
    sopClassUid: sopClasses.keyObjectSelection,
    sopInstanceUid: uids.document,
    transferSyntaxUid: explicitLittleEndian,
    ...(plan.node.aeTitle === undefined ? {} : { sourceAe: plan.node.aeTitle }),
  });
  return { bytes: joined([meta, ...ordered([...own, ...kept, ...empty])]), sopInstanceUid: uids.document };
}

const typeTwo = [
  'StudyDate',
  'StudyTime',
  'AccessionNumber',
  'ReferringPhysicianName',
  'PatientName',
  'PatientID',
  'PatientBirthDate',
  'PatientSex',
  'StudyID',
];

/** The order (PS3.3 C.17.6.2), as far as the study tells it: its accession number. */
function requestOf(study: DataSet, studyInstanceUid: string): Written[] {
  const accession = studyElements(study).find(({ tag }) => tag === known('AccessionNumber'));
  if (accession === undefined || !hasValue(study, 'AccessionNumber')) return [];
  return [
    sequence('ReferencedRequestSequence', [
      [
        element('StudyInstanceUID', studyInstanceUid),
        sequence('ReferencedStudySequence', []),
        accession,
        element('PlacerOrderNumberImagingServiceRequest', ''),
        element('FillerOrderNumberImagingServiceRequest', ''),
        element('RequestedProcedureID', ''),
        element('RequestedProcedureDescription', ''),
        sequence('RequestedProcedureCodeSequence', []),
      ],
    ]),
  ];
}

function contentOf(
  { reason, because, why }: WithdrawalPlan,
  characterSets: readonly string[],
  references: readonly (readonly Written[])[],
): Written[][] {
  const words = wordsIn(characterSets, why.trim() === '' ? withdrawalTitles[reason].meaning : why.trim());
  const modifier = reason === 'quality' ? withdrawalModifiers[because ?? 'processing'] : null;
  return [
    ...(modifier === null
      ? []
      : [
          [
            element('RelationshipType', 'HAS CONCEPT MOD'),
            element('ValueType', 'CODE'),
            codes('ConceptNameCodeSequence', dcm('113011', 'Document Title Modifier')),
            codes('ConceptCodeSequence', modifier),
          ],
        ]),
    [
      element('RelationshipType', 'CONTAINS'),
      element('ValueType', 'TEXT'),
      codes('ConceptNameCodeSequence', dcm('113012', 'Key Object Description')),
      element('TextValue', words),
    ],
    ...references.map((reference) => [
      element('RelationshipType', 'CONTAINS'),
      element('ValueType', 'IMAGE'),
      sequence('ReferencedSOPSequence', [reference]),
    ]),
  ];
}
