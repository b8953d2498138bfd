// What becomes of each attribute of a source in the derived object: the table that the writer works from.
// Everything that no row names is kept.
import type { DataSet, Element } from '../dicom/data-set.js';
import type { Institution } from '../dicom/deriving-node.js';
import { tagOf } from '../dicom/dictionary.js';
import { text } from '../dicom/values.js';
import { LimpidError } from '../errors.js';

/** kept: the source's bytes; removed: never written; replaced, added: limpid's value, where it has one, with or without a source's. */
export type Action = 'kept' | 'replaced' | 'removed' | 'added';

export interface AttributeRule {
  readonly tag: number;
  readonly keyword: string;
  readonly action: Action;
  /** Section of the conformance rules. */
  readonly section: string;
}

const rows = (action: Action, section: string, keywords: string): AttributeRule[] =>
  keywords
    .trim()
    .split(/\s+/)
    .map((keyword) => ({ tag: known(keyword), keyword, action, section }));

function known(keyword: string): number {
  const tag = tagOf(keyword);
  if (tag === undefined) throw new LimpidError('INTERNAL', `no attribute has the keyword ${keyword}`);
  return tag;
}

/** The table, in the order of the rules' own text. */
export const attributes: readonly AttributeRule[] = [
  // Named because somebody may think of changing them; the rest of Patient, Study and acquisition is kept as well.
  ...rows('kept', '4', 'SpecificCharacterSet'),
  ...rows('kept', '5', 'StudyInstanceUID FrameOfReferenceUID'),
  ...rows('kept', '2', 'SOPClassUID'),
  ...rows(
    'kept',
    '3.1',
    'StudyDate StudyTime AccessionNumber ReferringPhysicianName StudyDescription StudyID AcquisitionNumber',
  ),
  ...rows(
    'kept',
    '3.1',
    'AcquisitionDate AcquisitionTime AcquisitionDateTime TimezoneOffsetFromUTC Modality IrradiationEventUID',
  ),
  ...rows('kept', '3.1', 'InstitutionName InstitutionAddress InstitutionalDepartmentName ReferencedImageSequence'),
  ...rows('kept', '3.1', 'InstitutionCodeSequence InstitutionalDepartmentTypeCodeSequence'),
  ...rows(
    'kept',
    '3.1',
    'PerformingPhysicianName OperatorsName RequestAttributesSequence RealWorldValueMappingSequence',
  ),
  ...rows(
    'kept',
    '3.1',
    'ImagePositionPatient ImageOrientationPatient PositionReferenceIndicator SliceLocation PixelSpacing',
  ),
  ...rows(
    'kept',
    '3.1',
    'QualityControlImage BurnedInAnnotation RecognizableVisualFeatures ConvolutionKernel FilterType',
  ),
  ...rows('kept', '3.3', 'Rows Columns NumberOfFrames SamplesPerPixel PhotometricInterpretation PlanarConfiguration'),
  ...rows(
    'kept',
    '3.3',
    'BitsAllocated BitsStored HighBit PixelRepresentation PixelPaddingValue PixelPaddingRangeLimit',
  ),
  ...rows(
    'kept',
    '3.3',
    'RescaleSlope RescaleIntercept RescaleType WindowCenter WindowWidth WindowCenterWidthExplanation',
  ),
  ...rows('kept', '3.3', 'VOILUTSequence VOILUTFunction ICCProfile PresentationLUTShape'),

  ...rows('replaced', '5', 'SOPInstanceUID SeriesInstanceUID'),
  ...rows('replaced', '3.1', 'InstanceCreationDate InstanceCreationTime InstanceCreatorUID'),
  ...rows('replaced', '3.1', 'SeriesDate SeriesTime ContentDate ContentTime InstanceNumber'),
  ...rows('replaced', '3.1', 'Manufacturer ManufacturerModelName StationName DeviceSerialNumber SoftwareVersions'),
  ...rows('replaced', '3.5', 'ImageType SeriesDescription SeriesNumber DerivationDescription DerivationCodeSequence'),
  ...rows('replaced', '3.5', 'SourceImageSequence ContributingEquipmentSequence ImageComments'),
  ...rows('replaced', '3.3', 'SmallestImagePixelValue LargestImagePixelValue PixelData'),
  ...rows('replaced', '3.2', 'SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence'),
  ...rows('replaced', '3.2', 'SourceImageEvidenceSequence ConcatenationUID SOPInstanceUIDOfConcatenationSource'),
  ...rows('replaced', '3.3', 'LossyImageCompression LossyImageCompressionRatio LossyImageCompressionMethod'),
  ...rows('added', '13', 'ContentQualification PrivateDataElementCharacteristicsSequence'),

  ...rows('removed', '3.1', 'InstanceCoercionDateTime RetrieveAETitle InstanceAvailability RetrieveURL'),
  ...rows('removed', '3.1', 'SeriesDescriptionCodeSequence ReferencedPerformedProcedureStepSequence'),
  ...rows(
    'removed',
    '3.1',
    'PerformedProcedureStepStartDate PerformedProcedureStepStartTime PerformedProcedureStepEndDate',
  ),
  ...rows('removed', '3.1', 'PerformedProcedureStepEndTime PerformedProcedureStepID PerformedProcedureStepDescription'),
  ...rows('removed', '3.1', 'PerformedProtocolCodeSequence CommentsOnThePerformedProcedureStep'),
  ...rows('removed', '3.1', 'DeviceUID GantryID SpatialResolution DateOfLastCalibration TimeOfLastCalibration'),
  // The scanner's too: beside limpid as Manufacturer they would be limpid's.
  ...rows(
    'removed',
    '3.1',
    'UDISequence ManufacturerDeviceClassUID StationAETitle DateOfManufacture DateOfInstallation',
  ),
  ...rows(
    'removed',
    '3.1',
    'ConversionSourceAttributesSequence StorageMediaFileSetID StorageMediaFileSetUID IconImageSequence',
  ),
  ...rows('removed', '3.1', 'SOPInstanceStatus SOPAuthorizationDateTime SOPAuthorizationComment'),
  ...rows(
    'removed',
    '3.1',
    'AuthorizationEquipmentCertificationNumber EncryptedAttributesSequence OriginalAttributesSequence',
  ),
  ...rows('removed', '3.1', 'MACParametersSequence DigitalSignaturesSequence DataSetTrailingPadding'),
  ...rows('removed', '3.3', 'SmallestPixelValueInSeries LargestPixelValueInSeries'),
  // They count the source's pixels (PS3.3 C.11.5), or tell their extremes (retired).
  ...rows('removed', '3.3', 'HistogramSequence SmallestImagePixelValueInPlane LargestImagePixelValueInPlane'),
  // They describe the source's compressed frames.
  ...rows('removed', '3.3', 'ExtendedOffsetTable ExtendedOffsetTableLengths'),
];

const byTag = new Map(attributes.map((rule) => [rule.tag, rule]));
const byKeyword = new Map(attributes.map((rule) => [rule.keyword, rule]));

/** The rule of a tag; undefined for attributes that no row names: those are kept. */
export function ruleOf(tag: number): AttributeRule | undefined {
  return byTag.get(tag);
}

/** What the table keeps on the source's own grid, and limpid writes for a finer one (conformance 3.4). */
export const gridKeywords: ReadonlySet<string> = new Set([
  'Rows',
  'Columns',
  'PixelSpacing',
  'ImagePositionPatient',
  'ImagerPixelSpacing',
  'NominalScannedPixelSpacing',
  'SequenceOfUltrasoundRegions',
]);
const gridTags: ReadonlySet<number> = new Set([...gridKeywords].map(known));

/** Whether an attribute of the top level follows the grid: written anew for a finer one, or (overlays, a shutter) not at all. */
export function isOfGrid(tag: number): boolean {
  return gridTags.has(tag) || isOnlyOfSourceGrid(tag);
}

/** Whether an attribute counts in the source's pixels, and has no place on a finer grid. */
export function isOnlyOfSourceGrid(tag: number): boolean {
  return isOverlay(tag) || isShutter(tag);
}

/** What says something of pixels or bytes that are other in the derived object. */
const ofPixels: ReadonlySet<number> = new Set(
  [
    'SmallestImagePixelValue',
    'LargestImagePixelValue',
    'SmallestPixelValueInSeries',
    'LargestPixelValueInSeries',
    'SmallestImagePixelValueInPlane',
    'LargestImagePixelValueInPlane',
    'HistogramSequence',
    'IconImageSequence',
    'EncryptedAttributesSequence',
    'MACParametersSequence',
    'DigitalSignaturesSequence',
  ].map(known),
);

/** Groups of a Legacy Converted object with whatever of a classic header no other group has (PS3.3 C.7.6.16.2.25, C.7.6.16.2.26). */
export const unassigned: ReadonlySet<string> = new Set([
  'UnassignedSharedConvertedAttributesSequence',
  'UnassignedPerFrameConvertedAttributesSequence',
]);

/** Whether what a conversion left of a classic header is not true of the derived frame. */
export function isStaleUnassigned(item: DataSet, element: Element, isFiner: boolean): boolean {
  return (
    ofPixels.has(element.tag) ||
    isCurve(element.tag) ||
    isEmbeddedOverlay(item, element) ||
    (isFiner && isOfGrid(element.tag))
  );
}

/** The attribute of each part, and the code that says the same and goes with the source's words. */
export const institutionKeywords = [
  { part: 'name', keyword: 'InstitutionName', code: 'InstitutionCodeSequence' },
  { part: 'address', keyword: 'InstitutionAddress', code: null },
  {
    part: 'department',
    keyword: 'InstitutionalDepartmentName',
    code: 'InstitutionalDepartmentTypeCodeSequence',
  },
] as const;
const institutionTags = institutionKeywords.map(({ part, keyword, code }) => ({
  part,
  tags: [keyword, ...(code === null ? [] : [code])].map(known),
}));

/** Whether an attribute of the top level names the source's institution where the site names its own. */
export function isOfInstitution(tag: number, institution: Institution): boolean {
  return institutionTags.some(({ part, tags }) => institution[part] !== undefined && tags.includes(tag));
}

/** Whether colour of the source was converted: Photometric Interpretation and Planar Configuration are written anew then. */
export function isRecoloured(source: DataSet): boolean {
  return text(source, 'PhotometricInterpretation')?.startsWith('YBR') === true;
}

/** Tag of an attribute that the table lets limpid write. */
export function writable(keyword: string): number {
  const rule = byKeyword.get(keyword);
  if (rule?.action !== 'replaced' && rule?.action !== 'added') {
    throw new LimpidError('INTERNAL', `${keyword} is not limpid's to write`);
  }
  return rule.tag;
}

/** Group lengths (gggg,0000), retired (PS3.5 7.2). */
export function isGroupLength(tag: number): boolean {
  return (tag & 0xffff) === 0;
}

/** Groups of commands, file meta information and directories (PS3.5 7.1): in a data set they would be read as something else. */
export function isNoData(tag: number): boolean {
  return tag < 0x00080000;
}

/** Repeating group of retired curves. */
export function isCurve(tag: number): boolean {
  return ((tag >>> 16) & 0xff01) === 0x5000;
}

/** Repeating group of overlays. */
export function isOverlay(tag: number): boolean {
  return ((tag >>> 16) & 0xff01) === 0x6000;
}

/** Display Shutter (PS3.3 C.7.6.11, C.7.6.15): edges in pixels, or an overlay. */
function isShutter(tag: number): boolean {
  return tag >= 0x00181600 && tag <= 0x00181624;
}

/** Whether an overlay group lies inside the pixels (retired): Overlay Bits Allocated other than 1. Its bits are cut off with the pixels' high bits. */
export function isEmbeddedOverlay(ds: DataSet, element: Element): boolean {
  if (!isOverlay(element.tag)) return false;
  const allocated = ds.get(((element.tag & 0xffff0000) | 0x0100) >>> 0);
  return allocated !== undefined && allocated.length === 2 && ds.value(allocated).every((byte) => byte !== 1);
}
