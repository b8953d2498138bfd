/** Phantom slices as classic DICOM objects. */
import { encodeElement, encodeSequence, joined } from '../dicom/element.js';
import type { Value } from '../dicom/element.js';
import { tagOf, vrOf } from '../dicom/dictionary.js';
import { writeFileMeta } from '../dicom/part10.js';
import { uidOf } from '../dicom/uid.js';
import { explicitLittleEndian, sopClasses } from '../dicom/uids.js';
import { LimpidError } from '../errors.js';
import { side, usImageTop } from './phantoms.js';
import type { PhantomName } from './phantoms.js';

export interface PhantomObject {
  readonly name: PhantomName;
  /** Distinguishes one making of the kit from another: UIDs follow from it. */
  readonly run: string;
  readonly index: number;
  readonly slices: number;
  readonly values: Float32Array;
}

const classes: Readonly<Record<PhantomName, string>> = {
  ct: sopClasses.ct,
  mr: sopClasses.mr,
  us: '1.2.840.10008.5.1.4.1.1.6.1',
};
const pixelMm = 0.9;
const stepMm = 2;

/** Patient ID of every kit's phantoms. */
export const phantomPatient = 'LIMPID-ACCEPTANCE';

/** The UIDs of one phantom of one run. */
export function phantomUids(
  run: string,
  name: PhantomName,
  index: number,
): { study: string; series: string; instance: string } {
  return {
    study: uidOf('limpid-acceptance/1', run, 'study'),
    series: uidOf('limpid-acceptance/1', run, name),
    instance: uidOf('limpid-acceptance/1', run, name, String(index)),
  };
}

type Attributes = readonly (readonly [keyword: string, value: Value])[];

function geometry({ run, index }: PhantomObject): Attributes {
  const first = (-pixelMm * (side - 1)) / 2;
  return [
    ['FrameOfReferenceUID', uidOf('limpid-acceptance/1', run, 'frame')],
    ['ImagePositionPatient', `${first}\\${first}\\${index * stepMm}`],
    ['ImageOrientationPatient', '1\\0\\0\\0\\1\\0'],
    ['PositionReferenceIndicator', ''],
    ['SliceLocation', String(index * stepMm)],
    ['SliceThickness', String(stepMm)],
    ['PixelSpacing', `${pixelMm}\\${pixelMm}`],
  ];
}

const own: Readonly<Record<PhantomName, (object: PhantomObject) => Attributes>> = {
  ct: (object) => [
    ...geometry(object),
    ['ImageType', 'ORIGINAL\\PRIMARY\\AXIAL'],
    ['PatientPosition', 'HFS'],
    ['Modality', 'CT'],
    ['SeriesDescription', 'limpid acceptance CT'],
    ['BodyPartExamined', 'ABDOMEN'],
    ['KVP', '120'],
    ['ConvolutionKernel', 'STANDARD'],
    ['AcquisitionNumber', '1'],
    ['BitsAllocated', 16],
    ['BitsStored', 12],
    ['HighBit', 11],
    ['RescaleIntercept', '-1024'],
    ['RescaleSlope', '1'],
    ['RescaleType', 'HU'],
  ],
  mr: (object) => [
    ...geometry(object),
    ['ImageType', 'ORIGINAL\\PRIMARY\\M\\ND'],
    ['PatientPosition', 'HFS'],
    ['Modality', 'MR'],
    ['SeriesDescription', 'limpid acceptance MR'],
    ['BodyPartExamined', 'HEAD'],
    ['ScanningSequence', 'SE'],
    ['SequenceVariant', 'SK'],
    ['ScanOptions', ''],
    ['MRAcquisitionType', '2D'],
    ['RepetitionTime', '4000'],
    ['EchoTime', '90'],
    ['MagneticFieldStrength', '1.5'],
    ['EchoTrainLength', '12'],
    ['BitsAllocated', 16],
    ['BitsStored', 12],
    ['HighBit', 11],
  ],
  us: () => [
    ['ImageType', 'ORIGINAL\\PRIMARY'],
    ['Modality', 'US'],
    ['Laterality', ''],
    ['PatientOrientation', ''],
    ['SeriesDescription', 'limpid acceptance US'],
    ['BitsAllocated', 8],
    ['BitsStored', 8],
    ['HighBit', 7],
  ],
};

/** The region that holds tissue (PS3.3 C.8.5.5): everything below the text. */
function regions(): Uint8Array {
  const one = (keyword: string, value: Value): Uint8Array => encoded(keyword, value)[1];
  return encodeSequence(0x00186011, [
    [
      one('RegionSpatialFormat', 1),
      one('RegionDataType', 1),
      one('RegionFlags', 0),
      one('RegionLocationMinX0', 0),
      one('RegionLocationMinY0', usImageTop),
      one('RegionLocationMaxX1', side - 1),
      one('RegionLocationMaxY1', side - 1),
      one('PhysicalUnitsXDirection', 3),
      one('PhysicalUnitsYDirection', 3),
      one('PhysicalDeltaX', 0.02),
      one('PhysicalDeltaY', 0.02),
    ],
  ]);
}

function encoded(keyword: string, value: Value): readonly [tag: number, bytes: Uint8Array] {
  const tag = tagOf(keyword);
  if (tag === undefined) throw new LimpidError('INTERNAL', `no attribute ${keyword}`);
  return [tag, encodeElement(tag, vrOf(tag), value)];
}

/** A Part 10 file, Explicit VR Little Endian. Nobody's data: the patient is called limpid^Acceptance. */
export function phantomObject(object: PhantomObject): Uint8Array {
  const { name, run, index, values } = object;
  const { study, series, instance } = phantomUids(run, name, index);
  const offset = name === 'ct' ? 1024 : 0;
  const most = name === 'us' ? 255 : 4095;
  const stored = values.map((value) => Math.min(most, Math.max(0, Math.round(value + offset))));
  const pixels = name === 'us' ? Uint8Array.from(stored) : new Uint8Array(Uint16Array.from(stored).buffer);
  const common: Attributes = [
    ['SOPClassUID', classes[name]],
    ['SOPInstanceUID', instance],
    ['StudyDate', ''],
    ['StudyTime', ''],
    ['AccessionNumber', ''],
    ['Manufacturer', 'limpid phantoms'],
    ['ReferringPhysicianName', ''],
    ['PatientName', 'limpid^Acceptance'],
    ['PatientID', phantomPatient],
    ['PatientBirthDate', '19700101'],
    ['PatientSex', 'O'],
    ['StudyInstanceUID', study],
    ['SeriesInstanceUID', series],
    ['StudyID', '1'],
    ['SeriesNumber', '1'],
    ['InstanceNumber', String(index + 1)],
    ['SamplesPerPixel', 1],
    ['PhotometricInterpretation', 'MONOCHROME2'],
    ['Rows', side],
    ['Columns', side],
    ['PixelRepresentation', 0],
  ];
  const elements = [...common, ...own[name](object)].map(([keyword, value]) => encoded(keyword, value));
  elements.push([0x7fe00010, encodeElement(0x7fe00010, name === 'us' ? 'OB' : 'OW', pixels)]);
  if (name === 'us') elements.push([0x00186011, regions()]);
  elements.sort((a, b) => a[0] - b[0]);
  const meta = writeFileMeta({
    sopClassUid: classes[name],
    sopInstanceUid: instance,
    transferSyntaxUid: explicitLittleEndian,
  });
  return joined([meta, ...elements.map(([, bytes]) => bytes)]);
}
