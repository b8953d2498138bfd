import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bilateral } from '../../src/imaging/bilateral.js';
import { clahe } from '../../src/imaging/clahe.js';
import { gaussian, gradientAt } from '../../src/imaging/gaussian.js';
import { medianFilter } from '../../src/imaging/median-filter.js';
import { nonLocalMeans } from '../../src/imaging/non-local-means.js';
import type { Slice } from '../../src/imaging/slice.js';
import { totalVariation } from '../../src/imaging/total-variation.js';
import { universalThreshold, waveletThreshold } from '../../src/imaging/wavelet.js';
import { distance, reference, smallImage } from './reference-images.js';

const image = smallImage(24, 20); // values of -200..200

describe('filters agree with', () => {
  it('scipy.ndimage.gaussian_filter, to 0.002', () => {
    expect(distance(gaussian(image, 1.2), reference.gaussian)).toBeLessThan(0.002);
  });
  it('scipy.ndimage gradient of Gaussian derivatives, to 0.002', () => {
    expect(distance(gradientAt(image, 1.5, 1), reference.gradient)).toBeLessThan(0.002);
  });
  it('scipy.ndimage.median_filter, to its rounding', () => {
    expect(distance(medianFilter(image, 2), reference.median)).toBeLessThan(0.001);
  });
  it('the bilateral filter by definition, to 0.05', () => {
    expect(distance(bilateral(image, 2, 50), reference.bilateral)).toBeLessThan(0.05);
  });
  it('non-local means by definition, to 0.1', () => {
    const got = nonLocalMeans(image, { patch: 5, search: 15, h: 20, sigma: 23 });
    expect(distance(got, reference.nonLocalMeans)).toBeLessThan(0.1);
  });
  it('scikit-image denoise_tv_chambolle, to 0.01', () => {
    expect(distance(totalVariation(image, 30, 40), reference.totalVariation)).toBeLessThan(0.01);
  });
  it('scikit-image equalize_adapthist, to its rounding', () => {
    const grey = smallImage(50, 68);
    for (const [i, value] of grey.values.entries()) grey.values[i] = Math.round(value);
    expect(distance(clahe(grey, { regions: 8, limit: 0.03 }), reference.clahe)).toBeLessThan(0.05);
  });
  it('PyWavelets db4 soft threshold with periodic border, to 0.005', () => {
    expect(distance(waveletThreshold(smallImage(32, 48), 2, 30), reference.wavelet)).toBeLessThan(0.005);
  });
});

const slices = fc
  .record({
    rows: fc.integer({ min: 1, max: 30 }),
    columns: fc.integer({ min: 1, max: 30 }),
    level: fc.integer({ min: -1000, max: 3000 }),
  })
  .map(({ rows, columns, level }): Slice => ({ rows, columns, values: new Float32Array(rows * columns).fill(level) }));

describe('every filter', () => {
  const filters: readonly [string, (slice: Slice) => Float32Array][] = [
    ['gaussian', (slice) => gaussian(slice, 1.2)],
    ['median', (slice) => medianFilter(slice, 2)],
    ['bilateral', (slice) => bilateral(slice, 2, 40)],
    ['non-local means', (slice) => nonLocalMeans(slice, { patch: 5, search: 15, h: 20, sigma: 25 })],
    ['total variation', (slice) => totalVariation(slice, 30, 40)],
    ['wavelet', (slice) => waveletThreshold(slice, 3, 60)],
  ];
  it.each(filters)('%s keeps a flat slice of any size', (_, filter) => {
    fc.assert(
      fc.property(slices, (slice) => {
        const before = slice.values.slice();
        const after = filter(slice);
        expect(distance(after, before)).toBeLessThan(0.01);
        expect(slice.values).toEqual(before); // inputs are not changed
      }),
      { numRuns: 40 },
    );
  });
  it.each(filters)('%s lowers noise', (_, filter) => {
    const noisy = smallImage(64, 64);
    const flat = { ...noisy, values: noisy.values.map((_value, i) => (i * 7919 * 31) % 101) };
    const spread = (values: Float32Array): number => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    };
    expect(spread(filter(flat))).toBeLessThan(0.8 * spread(flat.values));
  });
});

describe('adaptive histogram equalisation', () => {
  it('keeps a flat slice of any size, and any other within its range', () => {
    fc.assert(
      fc.property(slices, (slice) => {
        expect(clahe(slice, { regions: 8, limit: 0.01 })).toEqual(slice.values);
        const ramp = { ...slice, values: slice.values.map((_, i) => i) };
        const before = ramp.values.slice();
        const after = clahe(ramp, { regions: 8, limit: 0.01 });
        expect(Math.min(...after)).toBeCloseTo(0, 3);
        expect(Math.max(...after)).toBeCloseTo(after.length - 1, 2);
        expect(ramp.values).toEqual(before);
      }),
      { numRuns: 40 },
    );
  });
  it('raises a faint contrast, and by less the lower its limit', () => {
    const half = smallImage(128, 128);
    const values = half.values.map((_, i) => (i % 128 < 64 ? 0 : 1000) + 20 * Math.sin(i * 0.7));
    const swing = (limit: number): number => {
      const row = clahe({ ...half, values }, { regions: 4, limit }).subarray(64 * 128 + 8, 64 * 128 + 24);
      return Math.max(...row) - Math.min(...row);
    };
    expect(swing(0.02)).toBeGreaterThan(2 * 40);
    expect(swing(0.004)).toBeLessThan(swing(0.02));
  });
});

it('keeps all of a slice at threshold 0, for sizes that are no multiple of 16', () => {
  const odd = smallImage(37, 51);
  expect(distance(waveletThreshold(odd, 4, 0), odd.values)).toBeLessThan(0.005);
});

it('gives the universal threshold sigma sqrt(2 ln n)', () => {
  expect(universalThreshold(smallImage(32, 32), 10)).toBeCloseTo(10 * Math.sqrt(2 * Math.log(1024)), 9);
});
