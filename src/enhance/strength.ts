/**
 * Strength: the share of the noise that is taken away, as measured on the series itself, and the blend that reaches it
 * (design: configuration; models: strength and safety limits).
 */

import type { LoudRule } from '../imaging/shares.js';
import type { ModelCard } from '../inference/card.js';

/** Blends at which a calibration slice is measured; between them the noise is taken as linear. */
export const probedBlends: readonly number[] = [0.25, 0.5, 0.75, 1];

const calibrationSlices = 9;
const blendSteps = 64;
/** Shares that differ by less are equal: they are differences of numbers near 1. */
const negligible = 1e-9;

/** Which slices, in order of position, tell noise and blend of a series: at most 9, in the middle of equal parts. */
export function calibrationIndices(count: number): readonly number[] {
  const parts = Math.min(count, calibrationSlices);
  return Array.from({ length: parts }, (_, i) => Math.floor(((i + 0.5) * count) / parts));
}

/** The strength that is worked for: what was asked, times min(1, max(0, (noise - a) / b)). */
export function effectiveStrength(
  asked: number,
  noise: number,
  { a, b }: { readonly a: number; readonly b: number },
): number {
  return asked * Math.min(1, Math.max(0, (noise - a) / b));
}

/** The middle value of a list (mean of the two middle ones); NaN for an empty list. */
export function middleOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * Noise after over noise before at a blend.
 *
 * @param curve ratios at `probedBlends`; at 0 it is 1
 */
export function ratioAt(curve: readonly number[], blend: number): number {
  let [x0, y0] = [0, 1];
  for (const [i, x1] of probedBlends.entries()) {
    const y1 = curve[i] ?? y0;
    if (blend <= x1) return y0 + ((y1 - y0) * (blend - x0)) / (x1 - x0);
    [x0, y0] = [x1, y1];
  }
  return y0;
}

/**
 * The smallest multiple of 1/64 at which the middle of the slices loses at least `strength` of its noise; `most` where none
 * below it does.
 *
 * @param curves one a slice, as `ratioAt` takes them
 * @param most of the model's card
 */
export function blendFor(curves: readonly (readonly number[])[], strength: number, most: number): number {
  for (let step = 1; step < most * blendSteps; step++) {
    const blend = step / blendSteps;
    if (1 - middleOf(curves.map((curve) => ratioAt(curve, blend))) >= strength - negligible) return blend;
  }
  return roundedBlend(most, most);
}

/**
 * The highest blend that a card allows a series, a multiple of 1/64: what the whole residual leaves of the measured noise in the middle
 * of the slices tells noise from fine structure that reads as noise.
 *
 * @param curves one a slice, as `ratioAt` takes them
 */
export function mostBlendFor(
  curves: readonly (readonly number[])[],
  { mostBlend, evenBlend }: Pick<ModelCard, 'mostBlend' | 'evenBlend'>,
): number {
  if (evenBlend === null) return mostBlend;
  const { most, from, to } = evenBlend;
  const left = middleOf(curves.map((curve) => ratioAt(curve, 1)));
  const even = Math.min(1, Math.max(0, (to - left) / (to - from)));
  return Math.floor((mostBlend + even * (most - mostBlend)) * blendSteps) / blendSteps;
}

/** Where a card lets more go than the blend: never above its highest one. */
export function loudRuleOf({ parameters, mostBlend }: Pick<ModelCard, 'parameters' | 'mostBlend'>): LoudRule | null {
  const { loudFrom } = parameters;
  return loudFrom === undefined ? null : { from: loudFrom, most: mostBlend };
}

/** A blend as it is used and recorded: a multiple of 1/64 in 1/64..1, and not above `most`. */
export function roundedBlend(blend: number, most = 1): number {
  const step = Math.min(Math.round(blend * blendSteps), Math.floor(most * blendSteps));
  return Math.max(1, step) / blendSteps;
}
