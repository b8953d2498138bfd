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

function figuresOf(residual: Float32Array, blend = 0.6): EnhancedFigures {
  const taken = blended('CT', measured, residual.slice(), blend, null);
  return finishFigures(measured, taken).figures;
}
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
  it('is told in lung and air too', () => {
    const residual = noise.map((value, i) =>
      Math.hypot(Math.floor(i / 256) - 20, (i % 256) - 20) < 10 ? value - 60 : value,
    );
    expect(broken(figuresOf(residual)).join()).toMatch(/^smooth change/);
  });
  it('is not an edge that is blurred', () => {
    const smooth = gaussian({ ...measured.slice, values: clean }, 0.5);
    const residual = noise.map((value, i) => value + (clean[i] ?? 0) - (smooth[i] ?? 0));
    expect(broken(figuresOf(residual)).join()).not.toMatch(/smooth change/);
  });
});
