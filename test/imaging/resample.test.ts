import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { areaMeans, backProjected, holdWithin, upsampled, zeroFilled } from '../../src/imaging/resample.js';
import type { Slice } from '../../src/imaging/slice.js';

// The file lies beside the source, not beside the compiled test.
const numbers = z.array(z.number());
const reference = z
  .object({ keys: numbers, lanczos3: numbers, 'b-spline': numbers, 'zero-filled': numbers })
  .parse(JSON.parse(readFileSync(new URL('../../../test/imaging/cases/resample.json', import.meta.url), 'utf8')));

const [rows, columns] = [12, 9];
const picture: Slice = {
  rows,
  columns,
  values: Float32Array.from({ length: rows * columns }, (_, i) => {
    const [r, c] = [Math.floor(i / columns), i % columns];
    return 100 * Math.sin(0.9 * r + 0.3) * Math.cos(0.7 * c) + 20 * ((r * 7 + c * 13) % 5);
  }),
};
const farthest = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let most = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs((a[i] ?? 0) - (b[i] ?? 0)));
  return most;
};

describe('twice the pixels', () => {
  it.each(['keys', 'lanczos3', 'b-spline'] as const)('%s as Pillow and scipy have it', (kernel) => {
    const out = upsampled(picture, 2, kernel);
    expect([out.rows, out.columns]).toEqual([24, 18]);
    expect(farthest(out.values, reference[kernel])).toBeLessThan(1e-3);
  });

  it('zero filling as scipy (resample)', () => {
    expect(farthest(zeroFilled(picture, 2).values, reference['zero-filled'])).toBeLessThan(1e-3);
  });

  it('zero filling keeps every second pixel as it is', () => {
    const { values } = zeroFilled(picture, 2);
    const again = picture.values.map((_, i) => values[Math.floor(i / columns) * 4 * columns + (i % columns) * 2] ?? 0);
    expect(farthest(again, picture.values)).toBeLessThan(1e-4);
  });

  it('back-projection brings the means of the new pixels to the old ones', () => {
    const rms = (rounds: number): number => {
      const { values } = areaMeans(backProjected(picture, 2, rounds), 2);
      return Math.sqrt(
        values.reduce((sum, value, i) => sum + (value - (picture.values[i] ?? 0)) ** 2, 0) / values.length,
      );
    };
    expect(rms(1)).toBeLessThan(rms(0) / 2);
    expect(rms(3)).toBeLessThan(rms(0) / 8);
  });

  it.each(['keys', 'lanczos3', 'b-spline'] as const)('%s keeps a constant', (kernel) => {
    const flat = { rows: 5, columns: 7, values: new Float32Array(35).fill(-1000) };
    expect(farthest(upsampled(flat, 2, kernel).values, new Float32Array(140).fill(-1000))).toBeLessThan(1e-3);
  });
});

describe('what a file cannot hold', () => {
  it('goes to the pixels beside it, so that the means stay; where there is no room, to the end of the range', () => {
    const pixel = fc.float({ min: -3000, max: 6000, noNaN: true });
    fc.assert(
      fc.property(fc.array(pixel, { minLength: 16, maxLength: 16 }), (pixels) => {
        const before = { rows: 4, columns: 4, values: Float32Array.from(pixels) };
        const after = { ...before, values: before.values.slice() };
        holdWithin(after, 2, { low: -1024, high: 3071 });
        expect(after.values.every((value) => value >= -1024 && value <= 3071)).toBe(true);
        const held = areaMeans(before, 2).values.map((mean) => Math.min(3071, Math.max(-1024, mean)));
        expect(farthest(areaMeans(after, 2).values, held)).toBeLessThan(0.01);
      }),
    );
  });

  it('changes nothing else', () => {
    const values = Float32Array.from([-1030, -1000, 0, 10, -1000, -990, 5, 5]);
    holdWithin({ rows: 2, columns: 4, values }, 2, { low: -1024, high: 3071 });
    expect([...values]).toEqual([-1024, -1002, 0, 10, -1002, -992, 5, 5]);
  });
});
