import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { blend } from '../../src/imaging/blend.js';
import type { Over } from '../../src/imaging/blend.js';
import { psnr, ssim, structureFigures } from '../../src/imaging/figures.js';
import { gaussian } from '../../src/imaging/gaussian.js';
import { eroded, softTissueMask } from '../../src/imaging/masks.js';
import type { Slice } from '../../src/imaging/slice.js';
import { median, quantile } from '../../src/imaging/statistics.js';
import { kernelNoise } from '../support/phantom.js';
import { ctImage, distance, reference } from './reference-images.js';

const slice = ctImage();
const mask = softTissueMask(slice);
const smooth = { ...slice, values: gaussian(slice, 1) };
const residual = slice.values.map((value, i) => value - (smooth.values[i] ?? 0));

describe('figures', () => {
  const half = { ...slice, values: slice.values.map((value, i) => value - 0.5 * (residual[i] ?? 0)) };
  it('equal the reference', () => {
    const got = structureFigures(slice, half, mask, 1);
    expect(got.residualStructure).toBeCloseTo(reference.ct.residualStructure, 2);
    expect(got.edgeRatio).toBeCloseTo(reference.ct.edgeRatio, 2);
    expect(psnr(slice, smooth, -160, 240)).toBeCloseTo(reference.ct.psnr, 3);
    expect(ssim(slice, smooth, -160, 240)).toBeCloseTo(reference.ct.ssim, 3);
  });
  it('hardly change when every fourth row and column is looked at', () => {
    const [all, some] = [structureFigures(slice, half, mask, 1), structureFigures(slice, half, mask, 4)];
    expect(Math.abs(all.residualStructure - some.residualStructure)).toBeLessThan(0.03);
    expect(Math.abs(all.edgeRatio - some.edgeRatio)).toBeLessThan(0.03);
  });
  it('see no structure in pure noise that was taken away', () => {
    const noise = kernelNoise(256, 256, 3);
    const after = { ...slice, values: slice.values.map((value, i) => value + 5 * (noise[i] ?? 0)) };
    expect(Math.abs(structureFigures(slice, after, mask, 4).residualStructure)).toBeLessThan(0.15);
  });
});

describe('blend', () => {
  const even = (of: Slice, value: number): Float32Array => new Float32Array(of.values.length).fill(value);
  const flat = (value: number): Float32Array => even(slice, value);
  const meanOver = (over: Uint8Array, values: Float32Array): number => {
    let [sum, n] = [0, 0];
    for (let i = 0; i < values.length; i++) if (over[i] === 1) [sum, n] = [sum + (values[i] ?? 0), n + 1];
    return sum / n;
  };
  const inner = eroded(mask, slice.rows, slice.columns, 6);
  it('keeps the mean of the tissue away from its border and tells the shift', () => {
    const biased = residual.map((value) => value + 4);
    const { values, meanShift } = blend(slice, biased, flat(1000), flat(0.5), mask, 'slice');
    expect(meanOver(inner, values)).toBeCloseTo(meanOver(inner, slice.values), 2);
    expect(meanShift).toBeLessThan(-1.8);
  });
  it('does not move tissue for what a filter does at its border, unless there is nothing but border', () => {
    const [rows, columns] = [128, 128];
    const movedOf = (radius: number, over: Over): number => {
      const isTissue = (i: number): boolean =>
        Math.hypot((i % columns) - 63.5, Math.floor(i / columns) - 63.5) < radius;
      const disc = {
        rows,
        columns,
        values: Float32Array.from({ length: rows * columns }, (_, i) => (isTissue(i) ? 40 : -850)),
      };
      const tissue = Uint8Array.from(disc.values, (value) => (value > 0 ? 1 : 0));
      const blurred = gaussian(disc, 1.2);
      const taken = disc.values.map((value, i) => value - (blurred[i] ?? 0));
      const { values, meanShift } = blend(disc, taken, even(disc, 1000), even(disc, 0.5), tissue, over);
      expect(meanShift).toBeLessThan(-5);
      return (values[64 * columns + 64] ?? 0) - 40;
    };
    expect(Math.abs(movedOf(40, 'slice'))).toBeLessThan(0.01);
    expect(Math.abs(movedOf(40, 'mask'))).toBeLessThan(0.01);
    expect(movedOf(40, 'region')).toBeGreaterThan(5);
    expect(movedOf(14, 'mask')).toBeGreaterThan(5);
  });
  it('puts the mean back where the mask is alone, when air has its own mean', () => {
    const biased = residual.map((value) => value + 4);
    const { values } = blend(slice, biased, flat(1000), flat(0.5), mask, 'mask');
    expect(meanOver(inner, values)).toBeCloseTo(meanOver(inner, slice.values), 2);
    const outside = values.findIndex((_, i) => mask[i] === 0);
    expect(values[outside]).toBeCloseTo((slice.values[outside] ?? 0) - 0.5 * (biased[outside] ?? 0), 3);
  });
  it('puts no mean back into a slice with hardly any tissue away from borders, which would speak for it', () => {
    const [rows, columns] = [128, 128];
    const some = { rows, columns, values: Float32Array.from({ length: rows * columns }, (_, i) => i % 89) };
    const taken = new Float32Array(rows * columns).fill(8);
    const movedOf = (side: number, over: Over): number => {
      const square = Uint8Array.from(taken, (_, i) => (i % columns < side && Math.floor(i / columns) < side ? 1 : 0));
      const { values } = blend(some, taken, taken, even(some, 0.5), square, over);
      return (values[10] ?? 0) - (some.values[10] ?? 0);
    };
    // 45 x 45 pixels are 2025, 44 x 44 are 1936
    expect([movedOf(57, 'slice'), movedOf(56, 'slice'), movedOf(56, 'mask')]).toEqual([0, -4, 0]);
  });
  it('tells no shift of a slice with hardly any tissue', () => {
    const fewest = (pixels: number): number =>
      blend(slice, flat(8), flat(8), flat(0.5), new Uint8Array(slice.values.length).fill(1, 0, pixels), 'slice')
        .meanShift;
    expect(fewest(2000)).toBe(-4);
    expect(fewest(1999)).toBeCloseTo(0, 12);
  });
  it('moves no pixel by more than 3 sigma before the mean is put back', () => {
    const { values } = blend(slice, residual, flat(2), flat(1), mask, 'slice');
    const moved = values.map((value, i) => value - (slice.values[i] ?? 0));
    expect(quantile(moved, 1) - quantile(moved, 0)).toBeLessThan(12.002);
  });
  it('takes at most 3 sigma on either side, and puts nothing back for an empty mask', () => {
    const four = { rows: 1, columns: 4, values: Float32Array.of(10, 20, 30, 40) };
    const [wanted, sigma] = [Float32Array.of(9, -9, 1, -1), new Float32Array(4).fill(2)];
    const { values, meanShift } = blend(four, wanted, sigma, even(four, 1), new Uint8Array(4), 'slice');
    expect([...values]).toEqual([4, 26, 29, 41]);
    expect(meanShift).toBeCloseTo(0, 12);
  });
  it('changes nothing at share 0', () => {
    expect(distance(blend(slice, residual, flat(20), flat(0), mask, 'slice').values, slice.values)).toBe(0);
  });
  it('leaves flat surroundings at the lowest value alone', () => {
    const values = slice.values.map((value) => (value < -500 ? -1024 : value));
    const cut = { ...slice, values };
    const out = blend(cut, flat(7), flat(20), flat(0.5), mask, 'slice').values;
    expect(out[0]).toBe(-1024);
    expect(out[128 * 256 + 128]).toBeCloseTo(values[128 * 256 + 128] ?? 0, 3);
  });
  it.each([
    ['columns', 3, 5],
    ['rows', 5, 3],
  ])('of the lowest value holds what has no other beside it: along %s', (along, rows, columns) => {
    const place = (i: number): number => (along === 'columns' ? i % columns : Math.floor(i / columns));
    const values = Float32Array.from({ length: rows * columns }, (_, i) => (place(i) < 3 ? -1000 : 0));
    const all = new Float32Array(values.length).fill(7);
    const out = blend(
      { rows, columns, values },
      all,
      all,
      all.map(() => 0.5),
      new Uint8Array(values.length),
      'slice',
    ).values;
    const expected = values.map((value, i) => (place(i) < 2 ? value : value - 3.5));
    expect([...out]).toEqual([...expected]);
  });
});

it('takes quantiles as numpy does: between order statistics', () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }), {
        minLength: 1,
        maxLength: 50,
      }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (list, q) => {
        const sample = Float32Array.from(list);
        const sorted = [...sample].toSorted((a, b) => a - b);
        const at = q * (sorted.length - 1);
        const [low, high] = [sorted[Math.floor(at)] ?? 0, sorted[Math.ceil(at)] ?? 0];
        expect(quantile(sample, q)).toBeCloseTo(low + (at - Math.floor(at)) * (high - low), 3);
      },
    ),
  );
  expect(median(Float32Array.of(3, 1, 2))).toBe(2);
  expect(median(new Float32Array(0))).toBeNaN();
});
