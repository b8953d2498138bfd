// Attributes that the input gate looks at.
import { tag } from './series-facts.js';

/** What tells two instances at one position apart: echo, b-value and gradient direction, phase, acquisition, trigger time (conformance: DUPLICATE_POSITION). */
export const dimensions = [
  'EchoNumbers',
  'EchoTime',
  'InversionTime',
  'DiffusionBValue',
  'DiffusionGradientOrientation',
  'TemporalPositionIdentifier',
  'TemporalPositionIndex',
  'CardiacNumberOfImages',
  'NominalPercentageOfCardiacPhase',
  'TriggerTime',
  'AcquisitionNumber',
  'AcquisitionDate',
  'AcquisitionTime',
  'AcquisitionDateTime',
  'DimensionIndexValues',
  'EffectiveEchoTime',
  'FrameAcquisitionDateTime',
  'FrameReferenceDateTime',
] as const;

/** Without one of these a series is not enhanced, whatever its modality. */
export const needed = ['SOPInstanceUID', 'SeriesInstanceUID', 'StudyInstanceUID'] as const;
/** CT only. */
export const neededOfCt = ['ImagePositionPatient', 'ImageOrientationPatient', 'PixelSpacing'] as const;

/** One value a series (PS3.3 C.7.3.1); limpid writes one for its own, whatever the source's instances say. */
export const ofSeries = ['SeriesNumber', 'SeriesDescription'] as const;

/** Who the patient is: images of two must not be made into one series, nor be looked at side by side by a network. */
export const ofPatient = ['PatientID', 'PatientBirthDate'] as const;

const others = [
  ...ofSeries,
  ...ofPatient,
  'FrameType',
  'ConcatenationUID',
  'InConcatenationNumber',
  'InConcatenationTotalNumber',
  'NumberOfTemporalPositions',
  'InstanceNumber',
  'Modality',
  'ImageType',
  'FrameOfReferenceUID',
  'SliceThickness',
  'MagneticFieldStrength',
  'ComplexImageComponent',
  'PatientAge',
  'StudyDate',
  'SeriesDate',
  'RescaleType',
  'LossyImageCompression',
  'BurnedInAnnotation',
  'TableSpeed',
  'TableFeedPerRotation',
  'SpiralPitchFactor',
];

export const gateTags: readonly number[] = [...dimensions, ...needed, ...neededOfCt, ...others].map(tag);
