/** Whether a result stays within its model card's limits. */
import type { ModelCard } from '../inference/card.js';

/** Figures of one enhanced slice. */
export interface EnhancedFigures {
  /** Noise before and after in the unit of the model (HU, or permille for MR); null where not measured. */
  readonly noiseBefore: number | null;
  readonly noiseAfter: number | null;
  /** Noise after over noise before; null where not measured. */
  readonly noiseRatio: number | null;
  /** Mean shift before it was put back, in the unit of the noise; null where there is hardly any tissue. */
  readonly meanShift: number | null;
  /** Share of the tissue where what was taken away looks like noise; null where there is hardly any tissue. */
  readonly confidence: number | null;
  /** Null where there is hardly any tissue. */
  readonly residualStructure: number | null;
  /** Null on a finer grid, where the source has no such edges to compare with. */
  readonly edgeRatio: number | null;
  /** Strongest periodic pattern that was taken away, in deviations of the noise; null on a finer grid or below 64x64. */
  readonly periodic: number | null;
  /** Largest change that a Gaussian of 4 pixels leaves, in deviations of the noise, measured or guessed; null on a finer grid. */
  readonly smoothChange: number | null;
  /** On a finer grid: the result brought back to the source's grid, less the source, root mean square. */
  readonly sourceAgain?: number;
  /** Mean over the tissue, which is kept; the modality's unit. */
  readonly mean: number;
  /** False if any pixel is NaN or infinite. */
  readonly finite: boolean;
}

/** Share of the slices that may lie beyond a limit, as long as none lies beyond `most` times the limit, or where it is a least below that part of it. */
const tolerated = 0.1;
const most = 2;

function worst(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => b - a);
  return sorted[Math.floor(share * sorted.length)] ?? Number.NEGATIVE_INFINITY;
}

interface UpperLimit {
  readonly name: string;
  readonly limit: number | null;
  readonly values: readonly (number | null)[];
}

function upperLimits(slices: readonly EnhancedFigures[], limits: ModelCard['limits'], unit: string): UpperLimit[] {
  return [
    {
      name: `mean shift in ${unit}`,
      limit: limits.meanShift,
      values: slices.map(({ meanShift }) => meanShift && Math.abs(meanShift)),
    },
    {
      name: 'residual structure',
      limit: limits.residualStructure,
      values: slices.map(({ residualStructure }) => residualStructure),
    },
    {
      name: 'periodic pattern taken away, over the noise,',
      limit: limits.periodicPattern ?? null,
      values: slices.map(({ periodic }) => periodic),
    },
    {
      name: 'smooth change, over the noise,',
      limit: limits.smoothChange,
      values: slices.map(({ smoothChange }) => smoothChange),
    },
    {
      name: `difference on the source's grid in ${unit}`,
      limit: limits.sourceAgain ?? null,
      values: slices.map(({ sourceAgain }) => sourceAgain ?? null),
    },
  ];
}

/** Names of the limits that hold nothing here, because no slice gives their figure: a person should know before trusting the result. */
export function unmeasuredLimits(
  slices: readonly EnhancedFigures[],
  limits: ModelCard['limits'],
  unit: string,
): readonly string[] {
  return upperLimits(slices, limits, unit)
    .filter(({ limit, values }) => limit !== null && values.every((value) => value === null))
    .map(({ name }) => name.replace(/,.*$/, ''));
}

/**
 * The limits that a series breaks: nine slices in ten must hold a limit, and every slice twice the limit, of the noise that stays half of it. One slice at the
 * end of a series, with hardly any tissue, does not withhold the rest.
 *
 * @returns words for a person, one a limit; none: the result may be delivered
 */
export function brokenLimits(
  slices: readonly EnhancedFigures[],
  limits: ModelCard['limits'],
  unit: string,
): readonly string[] {
  const broken: string[] = [];
  if (slices.some((slice) => !slice.finite)) broken.push('values that are no number');
  const check = ({ name, limit, values }: UpperLimit): void => {
    const measured = values.filter((value) => value !== null);
    if (limit === null || measured.length === 0) return;
    const [typical, extreme] = [worst(measured, tolerated), worst(measured, 0)];
    // Compared with a limit it would hold each one.
    if (measured.some(Number.isNaN)) broken.push(`${name} is no number, limit ${limit}`);
    else if (typical > limit) broken.push(`${name} ${typical.toFixed(2)}, limit ${limit}`);
    else if (extreme > most * limit) broken.push(`${name} of one slice ${extreme.toFixed(2)}, limit ${most * limit}`);
  };
  for (const one of upperLimits(slices, limits, unit)) check(one);
  const ratios = slices.map(({ noiseRatio }) => noiseRatio).filter((ratio) => ratio !== null);
  if (limits.noiseRatio !== null && ratios.length > 0) {
    const negative = ratios.map((ratio) => -ratio);
    const [typical, extreme] = [-worst(negative, tolerated), -worst(negative, 0)];
    const ofOne = limits.noiseRatio / most;
    if (ratios.some(Number.isNaN)) {
      broken.push(`noise after over before is no number, limit ${limits.noiseRatio}`);
    } else if (typical < limits.noiseRatio) {
      broken.push(`noise after over before ${typical.toFixed(2)}, limit ${limits.noiseRatio}`);
    } else if (extreme < ofOne) {
      // A slice without its noise shows what it was smoothed to, whatever the others are like.
      broken.push(`noise after over before of one slice ${extreme.toFixed(2)}, limit ${ofOne}`);
    }
  }
  return broken;
}
