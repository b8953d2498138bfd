import { describe, expect, it } from '@jest/globals';
import { openTransform } from '../../src/imaging/fourier.js';
import { awayFrom, bodyMask, pixelsOf, softTissueMask } from '../../src/imaging/masks.js';
import {
  extentWeight,
  noiseMap,
  noiseWindows,
  sigmaInWindows,
  sigmaOfBlocks,
  sigmaOfMode,
} from '../../src/imaging/noise-ct.js';
import { flatTissue, mrNoise, mrNoiseMap, sigmaOfKSpace, sigmaOfLaplacian } from '../../src/imaging/noise-mr.js';
import { kernelNoise, whiteNoise } from '../support/phantom.js';
import { ctImage, distance, mrImage, reference } from './reference-images.js';

describe('CT', () => {
  const slice = ctImage();
  const mask = softTissueMask(slice);
  it('has the reference image', () => {
    expect(distance(slice.values.subarray(128 * 256 + 100, 128 * 256 + 108), reference.ct.first)).toBeLessThan(0.002);
  });
  it('finds the mask of scipy, whose border it knows within one pixel', () => {
    expect(Math.abs(pixelsOf(mask) / reference.ct.maskPixels - 1)).toBeLessThan(0.01);
  });
  it('finds sigma by the mode within a histogram bin (2 %)', () => {
    expect(Math.abs(sigmaOfMode(slice, mask) / reference.ct.mode - 1)).toBeLessThan(0.02);
  });
  it('finds sigma by blocks within 1 % (blocks at its border differ)', () => {
    expect(Math.abs(sigmaOfBlocks(slice, mask) / reference.ct.blocks - 1)).toBeLessThan(0.01);
  });
  it('maps the noise within 3 %', () => {
    const map = noiseMap(slice, mask, reference.ct.mode);
    const sampled = reference.ct.map.map((_, i) => map[(16 + 32 * Math.floor(i / 8)) * 256 + 16 + 32 * (i % 8)] ?? 0);
    expect(distance(sampled, reference.ct.map)).toBeLessThan(0.03 * reference.ct.mode);
  });
  it('finds the noise between starved shoulders, five times that of the rest, and keeps the mask whole there', () => {
    const size = 384;
    const noise = kernelNoise(size, size, 3);
    const levelAt = (row: number): number => 30 + 270 * Math.exp(-0.5 * ((row - 192) / 40) ** 2);
    const values = noise.map((value, i) => {
      const [row, column] = [Math.floor(i / size), i % size];
      const inside = ((row - 192) / 130) ** 2 + ((column - 192) / 185) ** 2 < 1;
      return (inside ? 40 : -1000) + levelAt(row) * value;
    });
    const starved = { rows: size, columns: size, values };
    const whole = softTissueMask(starved);
    let holes = 0;
    for (let row = 172; row < 212; row++)
      for (let column = 60; column < 324; column++) holes += 1 - whole[row * size + column]!;
    expect(holes).toBe(0);
    const map = noiseMap(starved, whole, sigmaOfMode(starved, whole));
    expect(map[192 * size + 192]!).toBeGreaterThan(0.65 * levelAt(192));
    expect(map[192 * size + 192]!).toBeLessThan(1.1 * levelAt(192));
    expect(map[80 * size + 192]! / levelAt(80)).toBeGreaterThan(0.8);
    // A window of 64 pixels sees what is louder next to it.
    expect(map[80 * size + 192]! / levelAt(80)).toBeLessThan(2.2);
  });
  describe('where rays are starved', () => {
    const size = 384;
    /** 20 HU of noise in water, 70 HU in a band or a square, or a share of both. */
    function mapped(isLoud: (row: number, column: number) => boolean, share = 1): Float32Array {
      const values = kernelNoise(size, size, 6).map((value, i) => {
        const [row, column] = [Math.floor(i / size), i % size];
        const inside = ((row - 192) / 150) ** 2 + ((column - 192) / 185) ** 2 < 1;
        return (inside ? 40 : -1000) + share * (isLoud(row, column) ? 70 : 20) * value;
      });
      const water = { rows: size, columns: size, values };
      const tissue = softTissueMask(water);
      return noiseMap(water, tissue, sigmaOfMode(water, tissue));
    }
    const along = (map: Float32Array, row: number): number => {
      let sum = 0;
      for (let column = 120; column < 264; column++) sum += map[row * size + column]!;
      return sum / 144;
    };
    it('follows a band of a sixth of the tissue, narrower than its tiles see', () => {
      const map = mapped((row) => row >= 166 && row < 218);
      expect(Math.abs(along(map, 192) / 70 - 1)).toBeLessThan(0.12);
      expect(Math.abs(along(map, 100) / 20 - 1)).toBeLessThan(0.15);
      expect(Math.abs(along(map, 290) / 20 - 1)).toBeLessThan(0.15);
    });
    it('leaves small loud places, which may be structure, to the tiles', () => {
      const alone = (row: number, column: number): boolean => Math.abs(row - 192) < 20 && Math.abs(column - 192) < 20;
      expect(mapped(alone)[192 * size + 192]!).toBeLessThan(0.85 * 70);
    });
    it('leaves what is as fine in a quiet slice to the tiles: dense anatomy is louder than 4 HU of noise', () => {
      const isBand = (row: number): boolean => row >= 166 && row < 218;
      const [quiet, loud] = [along(mapped(isBand, 0.2), 192) / 14, along(mapped(isBand), 192) / 70];
      expect(loud).toBeGreaterThan(0.88);
      expect(quiet).toBeLessThan(0.8);
    });
    it('counts regions by their share of the tissue', () => {
      expect([0, 0.1, 0.14, 0.18, 1].map(extentWeight).map((weight) => Number(weight.toFixed(6)))).toEqual([
        0, 0, 0.5, 1, 1,
      ]);
    });
    it('has no noise above that of the band', () => {
      const map = mapped((row) => row >= 166 && row < 218);
      expect(map.reduce((most, value) => Math.max(most, value))).toBeLessThan(1.35 * 70);
    });
  });
  it('does not take a dense picture for noise: the map of half the tissue under stripes is that of the other half', () => {
    const size = 256;
    const values = kernelNoise(size, size, 4).map(
      (value, i) => 40 + 15 * value + (i % size < 128 ? 0 : 40 * Math.sin((i % size) / 3)),
    );
    const striped = { rows: size, columns: size, values };
    const map = noiseMap(striped, softTissueMask(striped), 15);
    expect(map[128 * size + 200]! / map[128 * size + 56]!).toBeLessThan(1.6);
    expect(Math.abs(map[128 * size + 56]! / 15 - 1)).toBeLessThan(0.15);
  });
  it.each([8, 20, 50])(
    'finds %d HU of correlated noise, at most 10 %% too low (a 9x9 window misses its slow part)',
    (noise) => {
      const values = kernelNoise(256, 256, noise).map((value) => 40 + noise * value);
      const flat = { rows: 256, columns: 256, values };
      const found = sigmaOfMode(flat, softTissueMask(flat)) / noise;
      expect(found).toBeGreaterThan(0.9);
      expect(found).toBeLessThan(1.02);
    },
  );
  it('compares the same windows before and after, where the mode jumps from one part of the slice to the other', () => {
    const size = 256;
    const grain = whiteNoise(size * size, 5);
    // Two thirds have 20 HU; halved there, and taken to a third in the rest, the rest has the higher peak.
    const loud = (i: number): boolean => i % size < 0.66 * size;
    const before = { rows: size, columns: size, values: grain.map((value, i) => (loud(i) ? 20 : 10) * value) };
    const after = { rows: size, columns: size, values: grain.map((value, i) => (loud(i) ? 10 : 3.3) * value) };
    const everywhere = new Uint8Array(size * size).fill(1);
    const sigma = sigmaOfMode(before, everywhere);
    expect(Math.abs(sigma / 20 - 1)).toBeLessThan(0.03);
    expect(sigmaOfMode(after, everywhere) / sigma).toBeLessThan(0.2);
    const windows = noiseWindows(before, everywhere, sigma)!;
    expect(Math.abs(sigmaInWindows(after, everywhere, windows) / windows.deviation / 0.5 - 1)).toBeLessThan(0.03);
    expect(noiseWindows(before, everywhere, 1000)).toBeNull();
  });
  it('says NaN without tissue, and a map that is flat', () => {
    const air = { rows: 64, columns: 64, values: new Float32Array(4096).fill(-1000) };
    const nothing = softTissueMask(air);
    expect(sigmaOfMode(air, nothing)).toBeNaN();
    expect(sigmaOfBlocks(air, nothing)).toBeNaN();
    expect(new Set(noiseMap(air, nothing, 12))).toEqual(new Set([12]));
  });
});

describe('MR', () => {
  const full = mrImage(128);
  const cut = mrImage(72);
  it('has the reference images', () => {
    expect(distance(full.values.subarray(64 * 128 + 30, 64 * 128 + 38), reference.mr.first)).toBeLessThan(0.002);
    expect(distance(cut.values.subarray(64 * 128 + 30, 64 * 128 + 38), reference.mr.cutFirst)).toBeLessThan(0.002);
  });
  it('finds the masks of scipy', () => {
    const mask = bodyMask(full);
    expect(pixelsOf(mask)).toBe(reference.mr.maskPixels);
    expect(pixelsOf(awayFrom(mask, 128, 128, 8))).toBe(reference.mr.airPixels);
  });
  it('takes the noise from Rayleigh-like air', () => {
    const noise = mrNoise(full, bodyMask(full));
    expect(noise).toMatchObject({ method: 'background', measurable: true, spacing: [1, 1] });
    expect(noise.sigma / reference.mr.background).toBeCloseTo(1, 4);
    expect(Math.abs(noise.sigma / 25 - 1)).toBeLessThan(0.05);
  });
  it('compares at twice the spacing where air shows an interpolated image', () => {
    expect(mrNoise(cut, bodyMask(cut))).toMatchObject({ method: 'background', spacing: [2, 2] });
  });
  it('finds second differences as scipy does', () => {
    expect(sigmaOfLaplacian(full, bodyMask(full)) / reference.mr.laplacian).toBeCloseTo(1, 4);
    expect(sigmaOfLaplacian(cut, bodyMask(cut)) / reference.mr.cutLaplacian).toBeCloseTo(1, 3);
  });
  it('says "not measurable" where air is masked and the image is strongly interpolated', () => {
    const mask = bodyMask(cut);
    const air = awayFrom(mask, 128, 128, 4);
    const masked = { ...cut, values: cut.values.map((value, i) => (air[i] === 1 ? 0 : value)) };
    const noise = mrNoise(masked, bodyMask(masked));
    expect(noise).toMatchObject({ method: 'k-space', measurable: false, spacing: [2, 2] });
    expect(noise.sigma / reference.mr.kSpace).toBeCloseTo(1, 2);
    const { support } = sigmaOfKSpace(masked, bodyMask(masked));
    expect(support).toEqual(reference.mr.support);
  });
  it('uses second differences where air is masked and nothing is interpolated', () => {
    const mask = bodyMask(full);
    const air = awayFrom(mask, 128, 128, 4);
    const masked = { ...full, values: full.values.map((value, i) => (air[i] === 1 ? 0 : value)) };
    const noise = mrNoise(masked, bodyMask(masked));
    expect(noise).toMatchObject({ method: 'k-space', measurable: true });
    expect(Math.abs(noise.sigma / 25 - 1)).toBeLessThan(0.25);
  });
  it.each([
    [110, false],
    [112, true],
  ])(
    'takes second differences of %s rows and columns for noise: %s; anatomy is as fine on a coarse grid',
    (side, measurable) => {
      const air = awayFrom(bodyMask(full), 128, 128, 4);
      const first = (128 - side) / 2;
      const values = Float32Array.from({ length: side * side }, (_, i) => {
        const at = (first + Math.floor(i / side)) * 128 + first + (i % side);
        return air[at] === 1 ? 0 : full.values[at]!;
      });
      const coarse = { rows: side, columns: side, values };
      expect(mrNoise(coarse, bodyMask(coarse))).toMatchObject({ method: 'k-space', measurable });
    },
  );
  it('compares noise where the slice is flat: half of the tissue, away from edges', () => {
    const mask = bodyMask(full);
    const flat = flatTissue(full, mask);
    expect(Math.abs(pixelsOf(flat) / pixelsOf(mask) - 0.5)).toBeLessThan(0.01);
    const nearEdge = Array.from(flat.keys()).filter((i) => {
      const radius = Math.hypot(Math.floor(i / 128) - 64 + 6, (i % 128) - 64 - 8);
      return flat[i] === 1 && Math.abs(radius - 15) < 1;
    });
    expect(nearEdge).toEqual([]);
    expect(Math.abs(sigmaOfLaplacian(full, flat) / 25 - 1)).toBeLessThan(0.1);
  });
  it('maps noise that grows across the slice, as behind parallel imaging, and takes even noise for even', () => {
    const size = 192;
    const white = whiteNoise(size * size, 11);
    const mask = new Uint8Array(size * size).fill(1);
    const mapped = (growth: number): Float32Array => {
      const values = white.map((value, i) => 500 + 20 * (1 + growth * ((i % size) / size - 0.5)) * value);
      return mrNoiseMap({ rows: size, columns: size, values }, mask, 20, [1, 1]);
    };
    const even = mapped(0);
    for (const place of [10, 96, 180]) expect(Math.abs(even[96 * size + place]! / 20 - 1)).toBeLessThan(0.08);
    const grown = mapped(1);
    // The truth is 11, 20 and 29; smoothing over 30 pixels draws the ends to the middle.
    expect(grown[96 * size + 10]!).toBeLessThan(16);
    expect(Math.abs(grown[96 * size + 96]! / 20 - 1)).toBeLessThan(0.08);
    expect(grown[96 * size + 181]!).toBeGreaterThan(24);
  });

  it('has nothing to say of an empty slice', () => {
    const empty = { rows: 64, columns: 64, values: new Float32Array(4096) };
    expect(mrNoise(empty, bodyMask(empty))).toMatchObject({ method: 'none', measurable: false, sigma: 0 });
  });
});

it.each([1, 2, 3, 8, 12, 17, 30])('transforms %d values as the sum by definition', (n) => {
  const re = Float64Array.from(whiteNoise(n, n));
  const im = Float64Array.from(whiteNoise(n, n + 50));
  const want = Array.from({ length: n }, (_, k) => {
    let [a, b] = [0, 0];
    for (let i = 0; i < n; i++) {
      const angle = (-2 * Math.PI * i * k) / n;
      a += (re[i] ?? 0) * Math.cos(angle) - (im[i] ?? 0) * Math.sin(angle);
      b += (re[i] ?? 0) * Math.sin(angle) + (im[i] ?? 0) * Math.cos(angle);
    }
    return [a, b] as const;
  });
  openTransform(n)(re, im);
  expect(
    distance(
      re,
      want.map(([a]) => a),
    ),
  ).toBeLessThan(1e-10);
  expect(
    distance(
      im,
      want.map(([, b]) => b),
    ),
  ).toBeLessThan(1e-10);
});
