// Periodic patterns in what is taken away: what is found, and what is none.
import { describe, expect, it } from '@jest/globals';
import { gaussian } from '../../src/imaging/gaussian.js';
import { periodicPattern } from '../../src/imaging/periodic.js';
import { kernelNoise, whiteNoise } from '../support/phantom.js';

const size = 256;
const sigma = 20;
const map = new Float32Array(size * size).fill(sigma);
const white = whiteNoise(size * size, 3);
const asSlice = (values: Float32Array) => ({ rows: size, columns: size, values });
const scaled = (values: Float32Array): Float32Array => {
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
  return values.map((value) => (0.5 * sigma * value) / deviation);
};

/** Grains of noise as scanners make them, half of which was taken away. */
const grains: readonly (readonly [string, Float32Array])[] = [
  ['white', white],
  ['of a soft kernel', kernelNoise(size, size, 4)],
  ['of a very soft kernel', gaussian(asSlice(white), 2)],
  ['of a sharp kernel', gaussian(asSlice(white), 1).map((value, i) => white[i]! - 0.9 * value)],
  // Sampled less densely along the rows than along the columns.
  [
    'of a zero-filled MR image',
    gaussian(asSlice(white), 1).map((value, i, all) => value + (all[i - 1] ?? 0) + (all[i - 2] ?? 0)),
  ],
  // Twice the noise in one half, as with unequal coils; the map does not know it.
  ['that is not the same everywhere', white.map((value, i) => (i % size < size / 2 ? value : 2 * value))],
];

/** Lines of one pixel and this height, every `period` pixels across a direction. */
function lines(height: number, period: number, degrees: number): Float32Array {
  const [down, across] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return Float32Array.from({ length: size * size }, (_, i) => {
    const along = Math.round(Math.floor(i / size) * down + (i % size) * across);
    return ((along % period) + period) % period === 0 ? height : 0;
  });
}

describe('a periodic pattern', () => {
  it.each(grains)('is not found in noise %s', (_, noise) => {
    expect(periodicPattern(asSlice(scaled(noise)), map)).toBeLessThan(0.02);
  });

  it('is not found in streaks, which are to be taken away', () => {
    // Starved rays between the arms: lines of random height along the rows, of many lengths, ten times the noise.
    const heights = whiteNoise(size, 7);
    for (const turn of [0, 20]) {
      const tilt = Math.tan((turn * Math.PI) / 180);
      const streaks = Float32Array.from(white, (value, i) => {
        const row = Math.round(Math.floor(i / size) + tilt * (i % size));
        const inside = row % size > 60 && row % size < 200;
        return 0.5 * sigma * (value + (inside ? 3 * heights[((row % size) + size) % size]! : 0));
      });
      expect(periodicPattern(asSlice(streaks), map)).toBeLessThan(0.08);
    }
  });

  it('is not found along an edge, however much of it was taken', () => {
    const edge = Float32Array.from(
      white,
      (value, i) => 0.5 * sigma * value + (i % size === 128 || i % size === 129 ? 200 : 0),
    );
    expect(periodicPattern(asSlice(edge), map)).toBeLessThan(0.02);
  });

  const planted = [2, 3, 4, 6, 8, 12].flatMap((period) => [0, 20, 45, 90].map((degrees) => [period, degrees] as const));
  it.each(planted)('of %d pixels at %d degrees is found, and how strong it is', (period, degrees) => {
    // Half of lines of 90 HU; their first harmonic is found, or a higher one where they lie between the pixels.
    const taken = lines(45, period, degrees);
    const found = periodicPattern(asSlice(taken.map((value, i) => value + 0.5 * sigma * white[i]!)), map);
    const mean = taken.reduce((sum, value) => sum + value, 0) / taken.length;
    const whole = Math.sqrt(taken.reduce((sum, value) => sum + (value - mean) ** 2, 0) / taken.length) / sigma;
    expect(found).toBeGreaterThan(0.3 * whole);
    expect(found).toBeLessThan(1.1 * whole);
    expect(found).toBeGreaterThan(0.16);
  });

  it('is measured in deviations of the noise, to a twentieth', () => {
    const wave = Float32Array.from(
      white,
      (value, i) => 0.5 * sigma * value + 4 * Math.SQRT2 * Math.sin((2 * Math.PI * (i % size)) / 5),
    );
    const found = (periodicPattern(asSlice(wave), map) ?? 0) / (4 / sigma);
    expect(Math.abs(found - 1)).toBeLessThan(0.05);
  });

  it('is not measured where there is no room for it', () => {
    expect(periodicPattern({ rows: 63, columns: 200, values: new Float32Array(63 * 200) }, map)).toBeNull();
    expect(periodicPattern(asSlice(new Float32Array(size * size)), map)).toBe(0);
  });
});
