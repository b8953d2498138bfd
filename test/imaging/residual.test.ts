// What of a network's residual is no noise, and stays in the image.
import { describe, expect, it } from '@jest/globals';
import { gaussian } from '../../src/imaging/gaussian.js';
import { keepEdges, keepExcess, keepLow } from '../../src/imaging/residual.js';
import type { Slice } from '../../src/imaging/slice.js';
import { kernelNoise } from '../support/phantom.js';

/** A cosine of amplitude 1 along the rows; frequency in cycles per pixel. */
function wave(size: number, frequency: number): Slice {
  const values = Float32Array.from({ length: size * size }, (_, i) => Math.cos(2 * Math.PI * frequency * (i % size)));
  return { rows: size, columns: size, values };
}

describe('low frequencies of a residual', () => {
  const kept = { sigma: 3, share: 0.7 };

  it('lose their share, so that they stay in the image', () => {
    const slow = wave(64, 1 / 64);
    const before = slow.values.slice();
    keepLow(slow, kept.sigma, kept.share);
    // The Gaussian of 3 pixels lets exp(-2 (pi sigma f)^2) of a wave of f cycles per pixel pass.
    const passes = Math.exp(-2 * (Math.PI * kept.sigma * (1 / 64)) ** 2);
    const at = 32 * 64 + 32; // a trough
    expect(slow.values[at]! / before[at]!).toBeCloseTo(1 - kept.share * passes, 2);
  });

  it('leave the grain alone', () => {
    const grain = wave(64, 0.25);
    const before = grain.values.slice();
    keepLow(grain, kept.sigma, kept.share);
    // Away from the borders, where the wave is mirrored and is none any more.
    const middle = (values: Float32Array): Float32Array => values.subarray(32 * 64 + 12, 32 * 64 + 52);
    const worst = middle(grain.values).reduce(
      (most, value, i) => Math.max(most, Math.abs(value - middle(before)[i]!)),
      0,
    );
    expect(worst).toBeLessThan(0.02);
  });
});

describe('edges of a result', () => {
  const rule = { sigma: 1, window: 3, noise: 0.8 };
  const size = 128;
  const sigma = 12;
  const noise = kernelNoise(size, size, 5).map((value) => sigma * value);
  const map = new Float32Array(size * size).fill(sigma);
  /** A step of so many HU down the middle, as a soft kernel shows it, and a network's residual that blurs it: 90 % of the noise and a part of the edge. */
  function stepped(height: number): { slice: Slice; residual: Slice; clean: Float32Array } {
    const drawn = Float32Array.from(noise, (_, i) => (i % size < size / 2 ? 0 : height));
    const clean = gaussian({ rows: size, columns: size, values: drawn }, 0.8);
    const blurred = gaussian({ rows: size, columns: size, values: clean }, 0.7);
    const values = clean.map((value, i) => value + noise[i]!);
    const residual = clean.map((value, i) => 0.9 * noise[i]! + value - blurred[i]!);
    return {
      slice: { rows: size, columns: size, values },
      residual: { rows: size, columns: size, values: residual },
      clean,
    };
  }
  /** What the residual takes from the edge on average along it: root mean square over its four columns, HU. */
  function taken(residual: Slice): number {
    let squares = 0;
    for (let c = size / 2 - 2; c < size / 2 + 2; c++) {
      let sum = 0;
      for (let at = c; at < size * size; at += size) sum += residual.values[at]! - 0.9 * noise[at]!;
      squares += (sum / size) ** 2;
    }
    return Math.sqrt(squares / 4);
  }

  it.each([
    [80, 0.9],
    [200, 0.75],
    [500, 0.75],
  ])('of %d HU come back where the residual took from them: at most %f stays lost', (height, lost) => {
    const { slice, residual } = stepped(height);
    const before = taken(residual);
    keepEdges(residual, slice, map, rule);
    expect(taken(residual)).toBeLessThan(lost * before);
  });
  it('are none in flat tissue: the noise still goes', () => {
    const { slice, residual } = stepped(0);
    const before = residual.values.slice();
    keepEdges(residual, slice, map, rule);
    const energy = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);
    expect(energy(residual.values) / energy(before)).toBeGreaterThan(0.98);
  });
  it('are not sharpened where nothing was taken', () => {
    const { slice, clean } = stepped(200);
    const exact = slice.values.map((value, i) => value - clean[i]!);
    const residual = { ...slice, values: exact.slice() };
    keepEdges(residual, slice, map, rule);
    const moved = residual.values.map((value, i) => value - exact[i]!);
    // Away from the edge not at all; at the edge less than the noise by chance.
    expect(Math.abs(moved[64 * size + 20]!)).toBeLessThan(0.01);
    expect(
      Math.sqrt(
        moved.reduce((sum, value, i) => sum + (i % size >= 62 && i % size < 66 ? value * value : 0), 0) / (4 * size),
      ),
    ).toBeLessThan(0.5 * sigma);
  });
});

describe('what noise does not explain', () => {
  const rule = { window: 3, from: 1.5, to: 2 };
  const size = 128;
  const sigma = 15;
  const map = new Float32Array(size * size).fill(sigma);
  const energy = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);
  const residualOf = (values: Float32Array): Slice => ({ rows: size, columns: size, values });

  it.each([1, 5])('is hardly anything of noise (seed %d): it goes as before', (seed) => {
    const residual = residualOf(kernelNoise(size, size, seed).map((value) => sigma * value));
    const before = energy(residual.values);
    keepExcess(residual, map, rule);
    expect(energy(residual.values) / before).toBeGreaterThan(0.97);
  });

  /** Lines of 120 HU in a quarter of the image, every six pixels, all of which a network took beside the noise. */
  const lines = Float32Array.from({ length: size * size }, (_, i) => {
    const [row, column] = [Math.floor(i / size), i % size];
    return row < size / 2 && column < size / 2 && column % 6 < 2 ? 120 : 0;
  });
  it('stays where a bundle of lines was taken, and the noise beside it goes', () => {
    const noise = kernelNoise(size, size, 3).map((value) => sigma * value);
    const residual = residualOf(noise.map((value, i) => value + lines[i]!));
    keepExcess(residual, map, rule);
    const at = (top: number, left: number): number => {
      const window = Float32Array.from(
        { length: 32 * 32 },
        (_, i) => residual.values[(top + (i >> 5)) * size + left + (i & 31)]!,
      );
      return Math.sqrt(energy(window) / window.length);
    };
    expect(at(16, 16)).toBeLessThan(0.02 * sigma);
    expect(at(80, 80)).toBeGreaterThan(0.8 * sigma);
  });

  it('is told by the local noise: the same residual goes where the noise is as loud', () => {
    const residual = residualOf(lines.slice());
    keepExcess(
      residual,
      map.map(() => 80),
      rule,
    );
    expect(residual.values).toEqual(lines);
  });

  it('is everything where there is no noise, and of an odd size', () => {
    const residual = { rows: 3, columns: 5, values: new Float32Array(15).fill(4) };
    keepExcess(residual, new Float32Array(15), rule);
    expect(energy(residual.values)).toBe(0);
  });

  it('falls from all to nothing between the two limits', () => {
    const flat = (level: number): number => {
      const residual = residualOf(new Float32Array(size * size).fill(level * sigma));
      keepExcess(residual, map, rule);
      return residual.values[64 * size + 64]! / (level * sigma);
    };
    expect([1.49, 1.6, 1.75, 1.9, 2.01].map((level) => Number(flat(level).toFixed(2)))).toEqual([1, 0.8, 0.5, 0.2, 0]);
  });
});
