// How much of the residual is taken away, place by place.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sharesOf } from '../../src/imaging/shares.js';
import type { Slice } from '../../src/imaging/slice.js';

const rule = { from: 2, most: 0.875 };
const [rows, columns] = [128, 96];

/** A map of 10 everywhere but for `height` x `width` pixels from row 16 and column 8 on. */
function mapOf(noise: number, height: number, width: number): Slice {
  const values = Float32Array.from({ length: rows * columns }, (_, i) => {
    const [r, c] = [Math.floor(i / columns), i % columns];
    return r >= 16 && r < 16 + height && c >= 8 && c < 8 + width ? noise : 10;
  });
  return { rows, columns, values };
}
const tissue = new Uint8Array(rows * columns).fill(1);
const inside = 20 * columns + 12;

describe('the share of the residual', () => {
  it.each([
    [5, 0.5],
    [20, 0.5],
    [21, 0.525],
    [30, 0.75],
    [40, 0.875],
    [200, 0.875],
  ])('grows in proportion to noise of a large region that is louder than twice the level: %d', (noise, want) => {
    const shares = sharesOf(0.5, mapOf(noise, 64, 64), tissue, 10, rule);
    expect(shares[inside]).toBeCloseTo(want, 6);
    expect(shares[0]).toBe(0.5);
    expect(shares[inside + 64]).toBe(0.5);
  });

  it.each([
    ['not of less than 10 % of the tissue, as line pairs', 32, 32, 0.5],
    ['by half of 14 %', 56, 32, 0.625],
    ['wholly from 18 % on', 64, 40, 0.75],
  ])('grows by the size of the region: %s', (_, height, width, want) => {
    const shares = sharesOf(0.5, mapOf(30, height, width), tissue, 10, rule);
    expect(shares[inside]).toBeCloseTo(want, 1);
  });

  it('asks how much tissue a region has, and each region for itself', () => {
    const one = mapOf(30, 24, 32);
    const two = { ...one, values: one.values.map((value, i) => (i > 80 * columns && i < 104 * columns ? 30 : value)) };
    const shares = sharesOf(0.5, two, tissue, 10, rule);
    expect([shares[inside], shares[90 * columns]]).toEqual([0.5, 0.75]);
    const air = tissue.map((_, i) => (i < 60 * columns ? 1 : 0));
    expect(sharesOf(0.5, two, air, 10, rule)[90 * columns]).toBe(0.5);
  });

  it.each([
    ['without a rule', 0.5, 10, null],
    ['where the level could not be measured', 0.5, null, rule],
    ['where it is the most already, or more', 0.9375, 10, rule],
    ['where nothing is to be taken away', 0, 10, rule],
  ])('is the same everywhere %s', (_, share, level, of) => {
    expect(new Set(sharesOf(share, mapOf(200, 64, 64), tissue, level, of))).toEqual(new Set([share]));
  });

  it('never falls with what was asked for, and never leaves its bounds', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const noise = fc.double({ min: 0.5, max: 100, noNaN: true });
    const side = fc.integer({ min: 1, max: 20 });
    const map = fc.tuple(side, side).chain(([down, across]) =>
      fc.record({
        rows: fc.constant(down),
        columns: fc.constant(across),
        values: fc
          .array(noise, { minLength: down * across, maxLength: down * across })
          .map((values) => Float32Array.from(values)),
      }),
    );
    fc.assert(
      fc.property(share, share, noise, map, (one, other, level, of) => {
        const mask = new Uint8Array(of.values.length).fill(1);
        const [low, high] = [Math.min(one, other), Math.max(one, other)];
        const [less, more] = [low, high].map((asked) => sharesOf(asked, of, mask, level, rule));
        for (const [i, got] of (more ?? []).entries()) {
          expect(got).toBeGreaterThanOrEqual(less?.[i] ?? 1);
          expect(got).toBeGreaterThanOrEqual(Math.fround(high));
          expect(got).toBeLessThanOrEqual(Math.fround(Math.max(high, rule.most)));
        }
      }),
    );
  });
});
