/** The strength and blend of a series: found on its calibration slices, the same for all. */
import { LimpidError } from '../errors.js';
import type { Reason } from '../errors.js';
import type { ModelCard } from '../inference/card.js';
import type { ResolvedTask } from '../spool/records.js';
import type { NoiseModality } from './noise.js';
import type { Found } from './outcome.js';
import { Refusal } from './refusal.js';
import { effectiveStrength, middleOf, probedBlends, ratioAt, roundedBlend } from './strength.js';

/**
 * The blend of a series whose noise cannot be measured.
 *
 * @throws Refusal NOISE_NOT_MEASURABLE: the card names none, and the task does not lift the reason
 */
export function fixedBlendOf(
  { lift, strength }: Pick<ResolvedTask, 'lift' | 'strength'>,
  { fixedBlend, mostBlend }: Pick<ModelCard, 'fixedBlend' | 'mostBlend'>,
): { readonly blend: number; readonly warning: Reason } {
  if (fixedBlend === null && !lift.includes('NOISE_NOT_MEASURABLE'))
    throw new Refusal('skipped', 'NOISE_NOT_MEASURABLE', 'no slice gives a noise estimate');
  const blend = roundedBlend(fixedBlend ?? strength, mostBlend);
  return { blend, warning: { code: 'NOISE_NOT_MEASURABLE', detail: `fixed blend ${blend}` } };
}

/** A series of which less than this share of the strength asked for would be taken is left alone: it would come back as it was, under a new name. */
const leastShare = 0.1;

/**
 * The strength that fits the noise of the series.
 *
 * @param noises of each calibration slice: deviation in model units, and the factor from there to the record's unit
 * @returns with it the refusal, ALREADY_CLEAN: what was found stands in the record all the same
 * @throws LimpidError MODEL_INVALID
 */
export function strengthFor(
  { strength }: Pick<ResolvedTask, 'strength'>,
  card: Pick<ModelCard, 'id' | 'noise'>,
  modality: NoiseModality,
  { noises, found }: { noises: readonly { readonly sigma: number; readonly toRecord: number }[]; found: Found },
): { readonly found: Found; readonly refusal: Refusal | null } {
  const scale = card.noise[modality];
  if (!scale) throw new LimpidError('MODEL_INVALID', `the card of ${card.id} has no noise scale for ${modality}`);
  const noise = middleOf(noises.map(({ sigma }) => sigma));
  const before = middleOf(noises.map(({ sigma, toRecord }) => sigma * toRecord));
  const effective = effectiveStrength(strength, noise, scale);
  // Who asks for nothing to be taken away gets the series back through the whole way.
  const isClean = strength > 0 && effective < strength * leastShare;
  const why = `noise ${noise.toFixed(1)}, floor ${scale.a} (${scale.unit})`;
  return {
    found: { ...found, effective, noise: { ...found.noise, before } },
    refusal: isClean ? new Refusal('skipped', 'ALREADY_CLEAN', why) : null,
  };
}

/** The curves of slices that could be measured at every blend. */
export const wholeCurves = (curves: readonly (readonly (number | null)[])[]): number[][] =>
  curves
    .map((curve) => curve.filter((ratio) => ratio !== null))
    .filter((curve) => curve.length === probedBlends.length);

/** What a blend has reached: as the slices measure it once rounded to stored values, else as their curves say. */
export function foundAt(
  found: Found,
  blend: number,
  measured: readonly (number | null)[],
  curves: readonly (readonly number[])[],
): Found {
  const ratios = measured.filter((ratio) => ratio !== null);
  const ratio = middleOf(ratios.length > 0 ? ratios : curves.map((curve) => ratioAt(curve, blend)));
  const { before } = found.noise;
  return {
    ...found,
    blend,
    reached: 1 - ratio,
    noise: { ...found.noise, after: before === null ? null : before * ratio },
  };
}
