import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { paddingMask, storedRange, toModality, toStored } from '../../src/dicom/rescale.js';

const plain = { slope: 1, intercept: -1024, bitsStored: 12, signed: false, padding: null };

describe('toStored', () => {
  it('rounds half away from zero', () => {
    const scale = { ...plain, signed: true, intercept: 0 };
    const values = Float32Array.of(0.5, 1.5, -0.5, -1.5, 0.49, -0.49);
    expect([...toStored(values, new Int32Array(6), scale)]).toEqual([1, 2, -1, -2, 0, 0]);
  });

  it('clamps to Bits Stored', () => {
    expect([...toStored(Float32Array.of(-2000, 9000), new Int32Array(2), plain)]).toEqual([0, 4095]);
    expect(storedRange({ bitsStored: 13, signed: true })).toEqual({ low: -4096, high: 4095 });
  });

  it('refuses what is no number', () => {
    expect(() => toStored(Float32Array.of(Number.NaN), Int32Array.of(0), plain)).toThrow(/finite/);
    expect(() => toStored(Float32Array.of(Infinity), Int32Array.of(0), plain)).toThrow(/finite/);
  });

  it('keeps padding and moves other values to the nearest one outside its range', () => {
    const padded = { ...plain, intercept: 0, padding: { low: 10, high: 20 } };
    const source = Int32Array.of(10, 15, 20, 100, 100, 100, 100);
    const values = Float32Array.of(500, 500, 500, 10, 20, 14, 9);
    expect([...toStored(values, source, padded)]).toEqual([10, 15, 20, 9, 21, 9, 9]);
    const atZero = { ...padded, padding: { low: 0, high: 3 } };
    expect([...toStored(Float32Array.of(0, 1, 3), Int32Array.of(50, 50, 50), atZero)]).toEqual([4, 4, 4]);
    const atTop = { ...padded, padding: { low: 4090, high: 4095 } };
    expect([...toStored(Float32Array.of(5000, 4094), Int32Array.of(50, 50), atTop)]).toEqual([4089, 4089]);
  });

  it('gives back the stored values that output values were made of', () => {
    const scales = fc.record({
      slope: fc.double({ min: 1e-3, max: 100, noNaN: true }),
      intercept: fc.integer({ min: -8192, max: 1024 }),
      bits: fc.integer({ min: 8, max: 16 }),
      signed: fc.boolean(),
    });
    fc.assert(
      fc.property(
        scales,
        fc.array(fc.integer({ min: -32768, max: 65535 }), { minLength: 1 }),
        ({ slope, intercept, bits, signed }, raw) => {
          // Beyond this the intercept eats the precision that a 32-bit float has for the value.
          fc.pre(Math.abs(intercept) / slope < 2 ** 20);
          const description = { slope, intercept, bitsStored: bits, signed, padding: null };
          const { low, high } = storedRange(description);
          const stored = Int32Array.from(raw, (value) => Math.min(high, Math.max(low, value)));
          expect(toStored(toModality(stored, description), stored, description)).toEqual(stored);
        },
      ),
    );
  });
});

describe('paddingMask', () => {
  it('marks the range, both ends counted', () => {
    expect(paddingMask(Int32Array.of(9, 10, 20, 21), { padding: { low: 10, high: 20 } })).toEqual(
      Uint8Array.of(0, 1, 1, 0),
    );
    expect(paddingMask(Int32Array.of(1), { padding: null })).toBeNull();
  });
});
