// What a network draws or wipes out, smoothly and below the noise, so that neither mean, edges nor periods tell it.
import { describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { blended, finishFigures } from '../../src/enhance/finish.js';
import { brokenLimits } from '../../src/enhance/limits.js';
import type { EnhancedFigures } from '../../src/enhance/limits.js';
import { measureSlice } from '../../src/enhance/noise.js';
import { gaussian } from '../../src/imaging/gaussian.js';
import { modelCard } from '../../src/inference/card.js';
import { readModel } from '../../src/inference/registry.js';
import { cleanSlice, noisySlice } from '../support/phantom.js';

const options = { modality: 'CT', rows: 256, columns: 256, noise: 20, seed: 1 } as const;
const clean = cleanSlice(options, 0);
const measured = measureSlice('CT', 256, 256, noisySlice(options, clean, 0), 20);
/** What a perfect network would take away. */
const noise = measured.slice.values.map((value, i) => value - (clean[i] ?? 0));
const { card } = await readModel(join(process.cwd(), 'models'), null, 'ct-low-dose');
/** With the limit of a card that does not say. */
const limits = { ...card.limits, smoothChange: modelCard.shape.limits.shape.smoothChange.parse(undefined) };

/** Noise, less a disc within the liver: what is taken where the network draws one. */
function withDisc(radius: number, height: number): Float32Array {
  const [row, column] = [120, 88];
  return noise.map((value, i) => {
    const isInside = Math.hypot(Math.floor(i / 256) - row, (i % 256) - column) <= radius;
    return isInside ? value - height : value;
  });
}

const finished = (residual: Float32Array): ReturnType<typeof finishFigures> =>
  finishFigures(measured, blended('CT', measured, residual.slice(), 0.6, null), limits.smoothChange);
const figuresOf = (residual: Float32Array): EnhancedFigures => finished(residual).figures;
const broken = (figures: EnhancedFigures): readonly string[] => brokenLimits([figures], limits, 'HU');

describe('what a network draws', () => {
  it('is nothing where noise alone goes', () => {
    expect(figuresOf(noise).smoothChange).toBeLessThan(0.6);
    expect(broken(figuresOf(noise))).toEqual([]);
  });
  it.each([
    ['a disc of 12 pixels and 40 HU', 12, 40],
    ['one that goes', 12, -40],
    ['one of 6 pixels and 60 HU', 6, 60],
  ])('is told of %s, in noise of 20 HU, and by nothing else', (_, radius, height) => {
    const found = broken(figuresOf(withDisc(radius, height)));
    expect(found).toEqual([expect.stringMatching(/^smooth change, over the noise, /)]);
  });
  it('is dark in the map of confidence, and nothing else is', () => {
    const meanOf = (residual: Float32Array, inside: boolean): number => {
      const { values, columns } = finished(residual).confidence;
      const middles = values.filter((_, i) => {
        const [row, column] = [4 * Math.floor(i / columns), 4 * (i % columns)];
        return Math.hypot(row - 120, column - 88) < 6 === inside && Math.hypot(row - 128, column - 128) < 60;
      });
      return middles.reduce((sum, value) => sum + value, 0) / middles.length / 255;
    };
    expect(meanOf(noise, true)).toBeGreaterThan(0.8);
    expect(meanOf(withDisc(12, 40), true)).toBeLessThan(0.2);
    expect(meanOf(withDisc(12, 40), false)).toBeGreaterThan(0.8);
  });
  it('is told in lung and air too', () => {
    const residual = noise.map((value, i) =>
      Math.hypot(Math.floor(i / 256) - 20, (i % 256) - 20) < 10 ? value - 60 : value,
    );
    expect(broken(figuresOf(residual)).join()).toMatch(/^smooth change/);
  });
  it('is told in a slice of lung too, whose noise cannot be measured', () => {
    const distances = noise.map((_, i) => Math.hypot(Math.floor(i / 256) - 128, (i % 256) - 128));
    // A wall of four pixels: nowhere a window of soft tissue.
    const values = noise.map((value, i) => {
      const distance = distances[i] ?? 0;
      return value + (distance < 90 ? -850 : distance < 94 ? 40 : -1000);
    });
    const lung = measureSlice('CT', 256, 256, values, 20);
    expect(lung.sigma).toBeNull();
    const of = (residual: Float32Array) =>
      finishFigures(lung, blended('CT', lung, residual, 0.6, null), limits.smoothChange).figures;
    expect(broken(of(noise.slice()))).toEqual([]);
    const drawn = noise.map((value, i) => ((distances[i] ?? 0) <= 12 ? value - 40 : value));
    expect(broken(of(drawn))).toEqual([expect.stringMatching(/^smooth change, over the noise, /)]);
  });
  it('is told of nothing where a slice of one value stays as it is', () => {
    const flat = measureSlice('CT', 256, 256, new Float32Array(256 * 256).fill(-1000), 20);
    const still = blended('CT', flat, new Float32Array(256 * 256), 0.6, null);
    expect(finishFigures(flat, still, limits.smoothChange).figures.smoothChange).toBe(0);
  });
  it('is not an edge that is blurred', () => {
    const smooth = gaussian({ ...measured.slice, values: clean }, 0.5);
    const residual = noise.map((value, i) => value + (clean[i] ?? 0) - (smooth[i] ?? 0));
    expect(broken(figuresOf(residual)).join()).not.toMatch(/smooth change/);
  });
});
