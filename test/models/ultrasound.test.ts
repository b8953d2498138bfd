// The ultrasound network on simulated B-mode images: fully developed speckle, envelope, log compression. What is there besides
// speckle (a brighter and a darker disc, an echo-free one) is known.
import { describe, expect, it } from '@jest/globals';
import { openEnhancer } from '../../src/enhance/enhancer.js';
import { blended } from '../../src/enhance/finish.js';
import { measureSlice, noiseRatio } from '../../src/enhance/noise.js';
import { blendFor, effectiveStrength, probedBlends } from '../../src/enhance/strength.js';
import { gaussian } from '../../src/imaging/gaussian.js';
import { openRegistry } from '../../src/inference/registry.js';
import { whiteNoise } from '../support/phantom.js';
import { modelsDirectory } from '../support/shipped-models.js';

const size = 160;
const radius = 16;
/** Row, column and decibels against the background of -28 dB. */
const discs = [
  [40, 40, 12],
  [40, 120, -12],
  [120, 80, -40],
] as const;

const within = (i: number, [row, column]: readonly [number, number, number], reach: number): boolean =>
  Math.hypot(Math.floor(i / size) - row, (i % size) - column) < reach;

/** One image in grey values over 60 dB; the speckle's grain is a Gaussian of 1 pixel. */
function sonogram(seed: number): Float32Array {
  const decibels = Float32Array.from({ length: size * size }, (_, i) => {
    let level = -28;
    for (const disc of discs) if (within(i, disc, radius)) level += disc[2];
    return level;
  });
  const parts = [1, 2].map((part) => {
    const noise = whiteNoise(size * size, 2 * seed + part);
    const scattered = noise.map((value, i) => value * 10 ** ((decibels[i] ?? 0) / 20));
    return gaussian({ rows: size, columns: size, values: scattered }, 1);
  });
  const gain = 4 * Math.PI; // power that a Gaussian of 1 pixel lets through: 1 / (4 pi)
  return Float32Array.from({ length: size * size }, (_, i) => {
    const power = (gain * ((parts[0]?.[i] ?? 0) ** 2 + (parts[1]?.[i] ?? 0) ** 2)) / 2;
    return Math.min(255, Math.max(0, ((10 * Math.log10(power + 1e-7) + 60) * 255) / 60));
  });
}

/** Mean over a disc or, without one, over the background. */
function mean(values: Float32Array, disc?: readonly [number, number, number]): number {
  let [sum, count] = [0, 0];
  for (const [i, value] of values.entries()) {
    const wanted =
      disc === undefined ? discs.every((each) => !within(i, each, radius + 6)) : within(i, disc, radius - 4);
    if (wanted) [sum, count] = [sum + value, count + 1];
  }
  return sum / count;
}

describe('us-despeckle', () => {
  it('takes the asked share of the speckle, and keeps means, contrasts and the echo-free', async () => {
    const registry = await openRegistry(modelsDirectory);
    const card = registry.get('us-despeckle');
    const scale = card?.noise.US;
    if (!card || !scale) throw new Error('no card us-despeckle');
    const values = sonogram(5);
    const region = new Uint8Array(size * size).fill(1);
    const measured = measureSlice('US', size, size, values.slice(), scale.a + scale.b, region);
    const enhancer = await openEnhancer(card, registry.file('us-despeckle'), 'cpu');
    const residual = await enhancer.residual(measured.slice, measured.map);
    await enhancer.close();
    const take = (share: number): Float32Array => blended('US', measured, residual, share, null).values;
    const curve = probedBlends.map((share) => noiseRatio(measured, { ...measured.slice, values: take(share) }) ?? 1);
    const share = blendFor(
      [curve],
      effectiveStrength(card.defaultStrength, measured.sigma ?? 0, scale),
      card.mostBlend,
    );
    const after = take(share);
    expect(share).toBeLessThan(1);
    expect(noiseRatio(measured, { ...measured.slice, values: after })).toBeLessThan(0.63);
    expect(Math.abs(mean(after) - mean(values))).toBeLessThan(1);
    for (const disc of discs.slice(0, 2)) {
      const kept = (mean(after, disc) - mean(after)) / (mean(values, disc) - mean(values));
      expect(Math.abs(kept - 1)).toBeLessThan(0.05);
    }
    expect(mean(after, discs[2])).toBeLessThan(mean(values, discs[2]) + 3);
    let farthest = 0;
    for (const [i, value] of after.entries()) farthest = Math.max(farthest, Math.abs(value - (values[i] ?? 0)));
    expect(farthest).toBeLessThan(3 * (measured.sigma ?? 0) + 1);
  });
});
