import { describe, expect, it } from '@jest/globals';
import { continuePadding, enlargedField, withoutPadding } from '../../src/imaging/padding.js';
import { areaMeans, backProjected } from '../../src/imaging/resample.js';
import type { Slice } from '../../src/imaging/slice.js';

const size = 64;
const isOutside = (i: number): boolean => Math.hypot(Math.floor(i / size) - 31.5, (i % size) - 31.5) > 28;
/** A ramp of soft tissue up to the edge of a round field of view. */
const field = (outside: number): Slice => ({
  rows: size,
  columns: size,
  values: Float32Array.from({ length: size * size }, (_, i) => (isOutside(i) ? outside : 40 + (i % size) / 8)),
});

describe('continuePadding', () => {
  it('goes on into the padding for eight pixels, then takes the lowest value; the image stays', () => {
    const before = field(-2000);
    const after = field(-2000);
    continuePadding(
      after,
      Uint8Array.from(before.values, (value) => (value === -2000 ? 1 : 0)),
    );
    before.values.forEach((value, i) => {
      if (value !== -2000) expect(after.values[i]).toBe(value);
    });
    const row = after.values.subarray(32 * size, 33 * size);
    for (const column of [0, 1, 2, 61, 62, 63]) expect(Math.abs((row[column] ?? 0) - 40 - column / 8)).toBeLessThan(1);
    expect(after.values[0]).toBe(Math.min(...before.values.filter((value) => value !== -2000)));
  });

  it('leaves a slice without padding, or of nothing else, as it is', () => {
    for (const mask of [null, new Uint8Array(size * size), new Uint8Array(size * size).fill(1)]) {
      const slice = field(-2000);
      continuePadding(slice, mask);
      expect(slice).toEqual(field(-2000));
    }
  });
});

describe('withoutPadding', () => {
  it('goes on into all of the padding, in a copy', () => {
    const slice = field(-2000);
    const mask = Uint8Array.from(slice.values, (value) => (value === -2000 ? 1 : 0));
    const { values } = withoutPadding(slice, mask);
    expect(slice).toEqual(field(-2000));
    values.forEach((value, i) => {
      if (mask[i] === 0) expect(value).toBe(slice.values[i]);
      else expect(Math.abs(value - 44)).toBeLessThan(5);
    });
  });

  it('is the very slice where it has no padding, or nothing else', () => {
    const slice = field(-2000);
    for (const mask of [null, new Uint8Array(size * size), new Uint8Array(size * size).fill(1)])
      expect(withoutPadding(slice, mask)).toBe(slice);
  });
});

describe('enlargedField', () => {
  it('an edge of the field of view that the header does not declare neither rings nor moves', () => {
    const slice = field(-2000);
    const enlarge = (of: Slice): Slice => backProjected(of, 2, 3);
    const worst = (fine: Slice): number =>
      fine.values.reduce((most, value, i) => {
        const [r, c] = [Math.floor(i / (2 * size)), i % (2 * size)];
        const from = Math.floor(r / 2) * size + Math.floor(c / 2);
        const truth = isOutside(from) ? -2000 : 40 + (c / 2 - 0.25) / 8;
        return Math.max(most, Math.abs(value - truth));
      }, 0);
    const fine = enlargedField(slice, 2, enlarge);
    expect(worst(fine)).toBeLessThan(1);
    expect(worst(enlarge(slice))).toBeGreaterThan(100);
    areaMeans(fine, 2).values.forEach((value, i) => expect(Math.abs(value - (slice.values[i] ?? 0))).toBeLessThan(1));
    expect(slice).toEqual(field(-2000));
  });
});
