import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { confidenceMap, confidentShare } from '../../src/imaging/confidence.js';

const one = (taken: number, gradient: number, expected: number): number =>
  (confidenceMap(
    { rows: 1, columns: 1, values: Float32Array.of(taken) },
    Float32Array.of(gradient),
    Float32Array.of(expected),
    { changes: Float32Array.of(0), limit: null },
  ).values[0] ?? Number.NaN) / 255;

describe('confidence', () => {
  it('is full where the noise explains all that was taken, also on an edge', () => {
    expect(one(5, 0, 5)).toBe(1);
    expect(one(2, 100, 5)).toBe(1);
  });
  it('falls with what the noise does not explain, and more on an edge', () => {
    expect(one(7.5, 0, 5)).toBeCloseTo(Math.exp(-0.25), 2);
    expect(one(10, 0, 5)).toBeCloseTo(Math.exp(-1), 2);
    expect(one(10, 100, 5)).toBeCloseTo(Math.exp(-1) / 2, 2);
  });
  it('is a half where a smooth change is what the card allows, and full where the card has no limit', () => {
    const taken = { rows: 1, columns: 4, values: new Float32Array(4) };
    const changes = Float32Array.of(0, 0.2, 0.4, 0.8);
    const map = (limit: number | null) =>
      [...confidenceMap(taken, new Float32Array(4), new Float32Array(4).fill(5), { changes, limit }).values].map(
        (value) => value / 255,
      );
    for (const [i, expected] of [1, 0.5 ** 0.25, 0.5, 0.5 ** 4].entries()) expect(map(0.4)[i]).toBeCloseTo(expected, 2);
    expect(map(null)).toEqual([1, 1, 1, 1]);
  });
  it('never rises with what is taken, never with the gradient', () => {
    const amount = fc.double({ min: 0, max: 100, noNaN: true });
    fc.assert(
      fc.property(amount, amount, amount, (taken, more, gradient) => {
        expect(one(taken + more, gradient, 5)).toBeLessThanOrEqual(one(taken, gradient, 5) + 1e-9);
        expect(one(taken, gradient + more, 5)).toBeLessThanOrEqual(one(taken, gradient, 5) + 1e-9);
      }),
    );
  });
  it('is counted over the tissue alone', () => {
    const map = { rows: 1, columns: 4, values: Uint8Array.of(255, 128, 127, 0) };
    expect(confidentShare(map, Uint8Array.of(1, 1, 1, 0))).toBeCloseTo(2 / 3, 6);
    expect(confidentShare(map, new Uint8Array(4))).toBeNull();
  });
});
