// Facts of series that never existed, for tests of the pure decisions.
import type { PixelDescription } from '../../src/dicom/pixel-description.js';
import type { Reason } from '../../src/errors.js';
import { compileCondition } from '../../src/conditions/compile.js';
import type { RouteCard } from '../../src/route/decide-route.js';
import { seriesFacts, tag } from '../../src/route/series-facts.js';
import type { InstanceFacts, SeriesFacts } from '../../src/route/series-facts.js';
import type { CompiledRule, TaskRequest } from '../../src/rule.js';

export const ctClass = '1.2.840.10008.5.1.4.1.1.2';
export const mrClass = '1.2.840.10008.5.1.4.1.1.4';

const pixels: PixelDescription = {
  rows: 512,
  columns: 512,
  frames: 1,
  samples: 1,
  bitsAllocated: 16,
  bitsStored: 12,
  signed: false,
  photometric: 'MONOCHROME2',
  byPlanes: false,
  slope: 1,
  intercept: -1024,
  padding: null,
};

/** Attribute values by keyword or tag number; null takes one away. */
export type Values = Readonly<Record<string, string | null>>;
export type InstanceChange = Partial<Omit<InstanceFacts, 'values' | 'pixels'>> & {
  readonly values?: Values;
  readonly pixels?: Partial<PixelDescription> | Reason;
};

const base: Values = {
  SOPInstanceUID: '1.2.3',
  SeriesInstanceUID: '1.2',
  StudyInstanceUID: '1',
  ImageType: 'ORIGINAL\\PRIMARY\\AXIAL',
  Modality: 'CT',
  SliceThickness: '1.0',
  PixelSpacing: '0.7\\0.7',
  ImageOrientationPatient: '1\\0\\0\\0\\1\\0',
  FrameOfReferenceUID: '1.2.9',
  BodyPartExamined: 'CHEST',
  PatientAge: '060Y',
  PatientName: 'Doe^John',
};

/** One slice of a sound chest CT, 1 mm apart from its neighbours, with changes. */
export function instance(index: number, change: InstanceChange = {}): InstanceFacts {
  const values = new Map<number, readonly string[]>();
  const texts = { ...base, ImagePositionPatient: `0\\0\\${index}`, InstanceNumber: `${index + 1}`, ...change.values };
  for (const [keyword, text] of Object.entries(texts)) {
    if (text !== null) values.set(/^\d+$/.test(keyword) ? Number(keyword) : tag(keyword), text.split('\\'));
  }
  return {
    sopInstanceUid: `1.2.3.${String(index).padStart(4, '0')}`,
    sopClassUid: ctClass,
    transferSyntaxUid: '1.2.840.10008.1.2.1',
    marks: [],
    hasPixelData: true,
    isOwn: false,
    isEncrypted: false,
    geImageType: null,
    vendorDiffusion: null,
    hasStrangeText: false,
    unreadable: null,
    ...change,
    values,
    pixels: change.pixels !== undefined && 'code' in change.pixels ? change.pixels : { ...pixels, ...change.pixels },
  };
}

/** A series of `count` slices; `change` gives what is different in each. */
export function series(count: number, change: (index: number) => InstanceChange = () => ({})): SeriesFacts {
  return seriesFacts({
    instances: Array.from({ length: count }, (_, index) => instance(index, change(index))),
    sources: [{ peer: 'ct1', callingAe: 'CT1', calledAe: 'LIMPID' }],
    variants: 0,
    swept: 0,
  });
}

/** MR instead of CT. */
export const mr = (change: InstanceChange = {}): InstanceChange => ({
  sopClassUid: mrClass,
  ...change,
  values: { Modality: 'MR', ImageType: 'ORIGINAL\\PRIMARY\\M\\ND', MagneticFieldStrength: '3', ...change.values },
});

/** A rule whose `when` is given as in YAML. */
export function rule(name: string, when: unknown, rest: Partial<CompiledRule> = {}): CompiledRule {
  const faults: string[] = [];
  const condition = when === undefined ? null : compileCondition(when, (_path, message) => void faults.push(message));
  if (faults.length > 0) throw new Error(faults.join('; '));
  return {
    name,
    when: condition,
    enhance: [],
    forward: ['pacs'],
    deliver: [],
    priority: 'routine',
    goesOn: false,
    late: 'keep',
    assemble: {},
    ...rest,
  };
}

export const request = (model: string, change: Partial<TaskRequest> = {}): TaskRequest => ({
  model,
  strength: null,
  lift: [],
  minimumSlices: 1,
  ...change,
});

/** A network for adult CT of thin slices. */
export const card: RouteCard = {
  id: 'ct-low-dose',
  version: '1.0.0',
  sha256: 'a'.repeat(64),
  kind: 'network',
  task: 'denoise',
  modality: ['CT'],
  parameters: {},
  defaultStrength: 0.4,
  input: null,
  noise: { CT: { a: 3, b: 5, unit: 'HU' } },
  mostBlend: 0.75,
  evenBlend: null,
  fixedBlend: null,
  intendedUse: {
    says: 'CT of adults',
    minimumAgeYears: 18,
    minimumSlices: 3,
    sliceThicknessMm: { atLeast: 0.3, atMost: 5 },
    pixelSpacingMm: { atLeast: 0.2, atMost: 2 },
    magneticFieldStrengthT: null,
    matrix: { atLeast: 64, atMost: 1024 },
  },
};
/** A filter for everything. */
export const filter: RouteCard = {
  ...card,
  id: 'gaussian',
  sha256: 'b'.repeat(64),
  kind: 'filter',
  modality: ['CT', 'MR', 'US'],
  parameters: { sigma: 1.2 },
  intendedUse: {
    ...card.intendedUse,
    minimumAgeYears: null,
    minimumSlices: 1,
    sliceThicknessMm: null,
    pixelSpacingMm: null,
    matrix: { atLeast: 1, atMost: 65_535 },
  },
};
