// Slices that overlap share noise, by the share of the overlap.
import { describe, expect, it } from '@jest/globals';
import { noiseParts } from '../../src/evaluate/shared-noise.js';
import { atDose } from '../../src/imaging/degrade.js';
import { ctImage } from '../imaging/reference-images.js';

const slices = (thickness: number | null, ...positions: number[]) =>
  positions.map((z) => ({ position: [0, 0, z], orientation: [1, 0, 0, 0, 1, 0], thickness }));

/** Correlation of two slices' noise, as their parts have it. */
function correlation(parts: ReturnType<typeof noiseParts>, one: number, other: number): number {
  const theirs = new Map((parts[other] ?? []).map(({ seed, weight }) => [seed, weight]));
  return (parts[one] ?? []).reduce((sum, { seed, weight }) => sum + weight * (theirs.get(seed) ?? 0), 0);
}

describe('the noise of slices', () => {
  it('is their own where they lie side by side, or apart', () => {
    for (const positions of [
      [0, 2, 4],
      [0, 2.0001, 3.9999],
      [0, 5, 10],
    ])
      expect(noiseParts(slices(2, ...positions))).toEqual([17, 1017, 2017].map((seed) => [{ seed, weight: 1 }]));
  });

  it.each([
    [2, 1],
    [3, 1],
    [1.25, 0.9],
    [5, 0.7],
  ])('is shared by 1 less spacing over thickness where slices of %d mm lie %d mm apart', (thickness, spacing) => {
    const shuffled = [3, 0, 4, 1, 2].map((place) => place * spacing);
    const parts = noiseParts(slices(thickness, ...shuffled));
    for (const [one, at] of shuffled.entries()) {
      for (const [other, there] of shuffled.entries()) {
        const wanted = Math.max(0, 1 - Math.abs(at - there) / thickness);
        expect(correlation(parts, one, other)).toBeCloseTo(wanted, 6);
      }
    }
  });

  it('is their own where nothing says how they lie, or several lie at one position', () => {
    const own = [17, 1017, 2017].map((seed) => [{ seed, weight: 1 }]);
    expect(noiseParts(slices(null, 0, 1, 2))).toEqual(own);
    expect(noiseParts(slices(2, 0, 0, 1))).toEqual(own);
    expect(noiseParts(slices(2, 0, Number.NaN, 1))).toEqual(own);
  });

  it('has the correlation of its parts when it is laid over a slice', () => {
    const slice = ctImage();
    const [first = [], second = []] = noiseParts(slices(2, 0, 1));
    const added = [first, second].map((parts) => {
      const values = atDose(slice, 0.25, parts);
      return values?.map((value, i) => value - slice.values[i]!) ?? new Float32Array(0);
    });
    const [a, b] = [added[0]!, added[1]!];
    const product = (x: Float32Array, y: Float32Array): number => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
    expect(product(a, b) / Math.sqrt(product(a, a) * product(b, b))).toBeCloseTo(0.5, 1);
  });
});
