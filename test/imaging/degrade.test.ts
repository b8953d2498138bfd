import { describe, expect, it } from '@jest/globals';
import { atDose, withComplexNoise, withNoise } from '../../src/imaging/degrade.js';
import { bodyMask, softTissueMask } from '../../src/imaging/masks.js';
import { sigmaOfMode } from '../../src/imaging/noise-ct.js';
import { mrNoise } from '../../src/imaging/noise-mr.js';
import { noisePower } from '../../src/imaging/noise-power.js';
import { uniform } from '../../src/imaging/random.js';
import { meanAndDeviation } from '../../src/imaging/statistics.js';
import { ctImage, mrImage } from './reference-images.js';

describe('degrading', () => {
  const slice = ctImage();
  const mask = softTissueMask(slice);
  it('a quarter of the dose doubles the noise and keeps its grain', () => {
    const values = atDose(slice, 0.25, 5) ?? new Float32Array(0);
    const after = { ...slice, values };
    expect(sigmaOfMode(after, mask) / sigmaOfMode(slice, mask)).toBeGreaterThan(1.8);
    expect(sigmaOfMode(after, mask) / sigmaOfMode(slice, mask)).toBeLessThan(2.2);
    const [was, is] = [noisePower(slice, mask), noisePower(after, mask)];
    expect((is?.meanFrequency ?? 0) / (was?.meanFrequency ?? 1)).toBeGreaterThan(0.85);
    expect((is?.meanFrequency ?? 0) / (was?.meanFrequency ?? 1)).toBeLessThan(1.2);
  });
  it('the mean stays', () => {
    const change = (atDose(slice, 0.1, 6) ?? new Float32Array(0)).map((value, i) => value - (slice.values[i] ?? 0));
    expect(Math.abs(meanAndDeviation(change).mean)).toBeLessThan(0.5);
  });
  it('a slice without tissue has no dose to lower', () => {
    expect(atDose({ rows: 64, columns: 64, values: new Float32Array(64 * 64).fill(-1000) }, 0.5, 1)).toBeNull();
  });
  it('noise is of the deviation asked for, and of the seed', () => {
    const flat = { rows: 128, columns: 128, values: new Float32Array(128 * 128) };
    expect(meanAndDeviation(withNoise(flat, 20, 1)).deviation).toBeCloseTo(20, 2);
    expect(withNoise(flat, 20, 1)).toEqual(withNoise(flat, 20, 1));
    expect(withNoise(flat, 20, 1)).not.toEqual(withNoise(flat, 20, 2));
  });
  it('complex noise adds in squares, and air has the mean of Rayleigh', () => {
    const mr = mrImage(128); // noise 25
    const after = { ...mr, values: withComplexNoise(mr, 60, 3) };
    expect(mrNoise(after, bodyMask(mr)).sigma).toBeGreaterThan(0.9 * Math.hypot(25, 60));
    expect(mrNoise(after, bodyMask(mr)).sigma).toBeLessThan(1.1 * Math.hypot(25, 60));
    const air = withComplexNoise({ rows: 64, columns: 64, values: new Float32Array(4096) }, 10, 9);
    expect(meanAndDeviation(air).mean).toBeCloseTo(10 * Math.sqrt(Math.PI / 2), 0);
  });
  it('the generator gives what mulberry32 gives', () => {
    const next = uniform(1);
    expect([next(), next()]).toEqual([0.6270739405881613, 0.002735721180215478]);
  });
});
