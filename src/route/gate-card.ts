// The gate's questions on the model card: is the series within what the model was made for?
import { parseDa } from '../dicom/datetime.js';
import { decimalOf } from '../dicom/decimal.js';
import { modalityOfClass } from '../dicom/uids.js';
import { unmetConditions, yearsOf } from './decide-rules.js';
import type { ModelCard } from '../inference/card.js';
import { useCondition } from '../inference/intended-use.js';
import { fault, faultOfSome } from './gate-content.js';
import type { Fault } from './gate-content.js';
import { tesla } from './gate-geometry.js';
import { numberOf, valuesOf } from './series-facts.js';
import type { InstanceFacts, SeriesFacts } from './series-facts.js';

/** What the gate needs of a model card. */
export type GateCard = Pick<ModelCard, 'id' | 'modality' | 'intendedUse'> & Partial<Pick<ModelCard, 'grid'>>;

type Range = { readonly atLeast: number; readonly atMost: number } | null;

export function cardFaults(facts: SeriesFacts, { modality, intendedUse, grid }: GateCard): Fault[] {
  const outside = (
    what: string,
    range: Range,
    values: (instance: InstanceFacts) => readonly (number | null)[],
  ): string[] => {
    if (range === null) return [];
    // A value that is missing is not known to be inside.
    const isInside = (value: number | null): boolean =>
      value !== null && value >= range.atLeast && value <= range.atMost;
    const fits = (instance: InstanceFacts): boolean => values(instance).length > 0 && values(instance).every(isInside);
    return facts.instances.every(fits) ? [] : [`${what} not from ${range.atLeast} to ${range.atMost}`];
  };
  const matrix = ({ pixels }: InstanceFacts): number[] => ('code' in pixels ? [] : [pixels.rows, pixels.columns]);
  const described = facts.instances.every(({ pixels }) => !('code' in pixels));
  const ofClass = facts.instances.map(({ sopClassUid }) => modalityOfClass(sopClassUid));
  const isMr = ofClass.every((one) => one === 'MR');
  const condition = useCondition(intendedUse.conditions);
  const what = [
    ...(ofClass.every((one) => one !== null && modality.includes(one)) ? [] : ['modality']),
    ...outside('slice thickness in mm', intendedUse.sliceThicknessMm, (one) => [numberOf(one, 'SliceThickness')]),
    ...outside('pixel spacing in mm', intendedUse.pixelSpacingMm, (one) =>
      valuesOf(one, 'PixelSpacing').map(decimalOf),
    ),
    ...(isMr ? outside('field strength in T', intendedUse.magneticFieldStrengthT, (one) => [tesla(one)]) : []),
    // Without a pixel description its own code says what is wrong.
    ...(described ? outside('matrix', intendedUse.matrix, matrix) : []),
    ...(condition === null ? [] : unmetConditions(condition, facts)),
  ];
  const limit = intendedUse.minimumAgeYears;
  const isYounger = (instance: InstanceFacts): boolean => limit !== null && (ageOf(instance) ?? limit) < limit;
  const isFiner = grid !== null && grid !== undefined;
  return [
    ...(isFiner ? faultOfSome(facts, 'OVERLAY_DROPPED', ({ hasOverlay }) => hasOverlay === true) : []),
    ...(what.length === 0 ? [] : [fault('OUTSIDE_INTENDED_USE', what.join(', '))]),
    ...faultOfSome(facts, 'PAEDIATRIC', isYounger, `younger than ${limit} years`),
  ];
}

/** Patient's Age, or from birth date to the day of the study; null where unknown, in years. */
function ageOf(instance: InstanceFacts): number | null {
  const stated = yearsOf(valuesOf(instance, 'PatientAge')[0] ?? '');
  if (stated !== null) return stated;
  const birth = parseDa(valuesOf(instance, 'PatientBirthDate')[0] ?? '');
  const day = ['StudyDate', 'SeriesDate', 'AcquisitionDate']
    .map((keyword) => parseDa(valuesOf(instance, keyword)[0] ?? ''))
    .find((date) => date !== null);
  if (birth === null || day === undefined || day === null) return null;
  const hadBirthday = day.month > birth.month || (day.month === birth.month && day.day >= birth.day);
  return day.year - birth.year - (hadBirthday ? 0 : 1);
}
