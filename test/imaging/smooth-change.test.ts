import { describe, expect, it } from '@jest/globals';
import type { Slice } from '../../src/imaging/slice.js';
import { largestOf, smoothChanges } from '../../src/imaging/smooth-change.js';
import { kernelNoise } from '../support/phantom.js';

const size = 256;
const sigma = 20;
const map = new Float32Array(size * size).fill(sigma);
const asSlice = (values: Float32Array): Slice => ({ rows: size, columns: size, values });
const changeOf = (values: Float32Array, noise = map): number => largestOf(smoothChanges(asSlice(values), noise, sigma));

/** What is taken where a disc is drawn: it has the opposite sign. */
const disc = (radius: number, height: number, at = 100): Float32Array =>
  Float32Array.from({ length: size * size }, (_, i) =>
    Math.hypot((i % size) - at, Math.floor(i / size) - at) <= radius ? -height : 0,
  );

describe('the largest smooth change', () => {
  it('of noise is less than a deviation, though all of it goes', () => {
    for (const seed of [1, 2, 3]) {
      const noise = kernelNoise(size, size, seed);
      const deviation = Math.sqrt(noise.reduce((sum, value) => sum + value * value, 0) / noise.length);
      expect(changeOf(noise.map((value) => (value * sigma) / deviation))).toBeLessThan(1);
    }
  });

  // The share of a disc that a Gaussian of 4 pixels leaves in its middle: 1 - exp(-r2 / 2s2).
  it.each([
    [12, 40],
    [6, 15],
    [3, 60],
  ])('of a disc of %i pixels and %i HU is what a Gaussian leaves of it', (radius, height) => {
    const expected = (height / sigma) * (1 - Math.exp(-(radius ** 2) / (2 * 4 ** 2)));
    for (const at of [100, 101, 102, 103]) {
      for (const sign of [1, -1]) {
        const found = changeOf(disc(radius, sign * height, at));
        expect(Math.abs(found / expected - 1)).toBeLessThan(0.2);
      }
    }
  });

  it('is none of an edge that is blurred, whose two sides cancel out', () => {
    const edge = Float32Array.from({ length: size * size }, (_, i) => {
      const column = i % size;
      return column === 127 ? 40 : column === 128 ? -40 : 0;
    });
    expect(changeOf(edge)).toBeLessThan(0.1);
  });

  it('counts by the local noise, and where the map has none by a quarter of the slice’s', () => {
    const loud = map.map((value, i) => (Math.floor(i / size) < 160 ? 3 * value : value));
    const spot = disc(12, 40);
    expect(changeOf(spot, loud)).toBeCloseTo(changeOf(spot) / 3, 5);
    const none = new Float32Array(size * size);
    expect(changeOf(spot, none)).toBeCloseTo(4 * changeOf(spot), 5);
  });

  it('is no number where a value is none', () => {
    const values = disc(12, 40);
    values[77 * size + 33] = Number.NaN;
    expect(changeOf(values)).toBeNaN();
    expect(changeOf(new Float32Array(size * size))).toBe(0);
  });
});
