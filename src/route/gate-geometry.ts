// The gate's questions on the stack of slices.
import { decimalOf } from '../dicom/decimal.js';
import { fault, faultOfSome } from './gate-content.js';
import type { Fault } from './gate-content.js';
import { dimensions } from './gate-tags.js';
import { numberOf, positionGroups, sameCosine, sliceCount, valuesOf } from './series-facts.js';
import type { InstanceFacts, SeriesFacts } from './series-facts.js';

/** Row and column spacing that differ by more: pixels are not square. */
const squareWithin = 0.01;
/** Pixel Spacing is written with few decimals, not always the same ones. */
const sameSpacing = 1e-4;

/** Faults of the stack; `minimumSlices` of card and rule. */
export function geometryFaults(facts: SeriesFacts, minimumSlices: number): Fault[] {
  // Each picture of ultrasound is one of its own.
  const mixed = facts.instances.every(({ hasTissue }) => hasTissue !== undefined) ? [] : mixedGeometry(facts);
  const count = sliceCount(facts);
  const spacing = (instance: InstanceFacts): number[] => valuesOf(instance, 'PixelSpacing').map(decimalOf);
  return [
    ...faultOfSome(facts, 'NON_SQUARE_PIXELS', (instance) => {
      const [row = 0, column = 0] = spacing(instance);
      return Math.abs(row - column) > squareWithin * Math.max(row, column);
    }),
    ...(count < minimumSlices ? [fault('TOO_FEW_SLICES', `${count}, at least ${minimumSlices}`)] : []),
    ...mixed,
    // Along one normal there are positions only where all slices share it.
    ...(mixed.some(({ code }) => code === 'MIXED_GEOMETRY') ? [] : stackFaults(facts)),
  ];
}

function mixedGeometry({ instances }: SeriesFacts): Fault[] {
  const [first] = instances;
  if (first === undefined) return [];
  const differs = (keyword: string, within: number): boolean =>
    instances.some((instance) => !near(valuesOf(first, keyword), valuesOf(instance, keyword), within));
  const matrix = new Set(instances.map(({ pixels }) => ('code' in pixels ? '' : `${pixels.rows} x ${pixels.columns}`)));
  const frames = new Set(instances.map((one) => valuesOf(one, 'FrameOfReferenceUID')[0] ?? ''));
  // As many frames as slices are no frames at all: de-identification has given each instance a new UID (seen in public data).
  // Slices of two frames mixed in one series do not lie in one space.
  const eachItsOwn = frames.size > 2 && frames.size === instances.length && !frames.has('');
  const what = [
    differs('ImageOrientationPatient', sameCosine) ? 'orientation' : '',
    matrix.size > 1 && !matrix.has('') ? 'matrix' : '',
    differs('PixelSpacing', sameSpacing) ? 'spacing' : '',
    frames.size > 1 && !eachItsOwn ? 'frame of reference' : '',
  ].filter((word) => word !== '');
  return [
    ...(what.length === 0 ? [] : [fault('MIXED_GEOMETRY', what.join(', '))]),
    ...(eachItsOwn ? [fault('NON_CONFORMANT', 'each instance has a Frame of Reference UID of its own')] : []),
  ];
}

function near(a: readonly string[], b: readonly string[], within: number): boolean {
  if (a.length !== b.length) return false;
  return a.every((value, index) => {
    const other = b[index] ?? '';
    return value === other || Math.abs(decimalOf(value) - decimalOf(other)) <= within;
  });
}

function stackFaults(facts: SeriesFacts): Fault[] {
  const gaps = facts.stack?.gaps ?? 0;
  const groups = positionGroups(facts) ?? [];
  const twice = groups.filter((group) => {
    const seen = group.map((index) => dimensionsOf(facts.instances[index]));
    return new Set(seen).size < seen.length;
  });
  return [
    ...(gaps > 0 ? [fault('GAPS', `${gaps} of ${groups.length - 1} steps`)] : []),
    ...(twice.length > 0 ? [fault('DUPLICATE_POSITION', `${twice.length} of ${groups.length} positions`)] : []),
  ];
}

/** What could tell an instance from another one at its position. */
function dimensionsOf(instance: InstanceFacts | undefined): string {
  if (instance === undefined) return '';
  // Some scanners (GE fMRI) say how many points in time there are, and which one only by the order of Instance Numbers.
  const isTemporal = (numberOf(instance, 'NumberOfTemporalPositions') ?? 1) > 1;
  const keywords = isTemporal ? [...dimensions, 'InstanceNumber'] : dimensions;
  return [instance.vendorDiffusion ?? '', ...keywords.map((keyword) => valuesOf(instance, keyword).join('\\'))].join(
    '|',
  );
}

/** The field in tesla: some scanners write gauss. */
export function tesla(instance: InstanceFacts): number | null {
  const field = numberOf(instance, 'MagneticFieldStrength');
  return field !== null && field > 100 ? field / 10_000 : field;
}
