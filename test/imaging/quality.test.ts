import { describe, expect, it } from '@jest/globals';
import { ctContrast, entropy, mrContrast, signalToNoise } from '../../src/imaging/contrast.js';
import { edgeResponse } from '../../src/imaging/edge-response.js';
import { gaussian } from '../../src/imaging/gaussian.js';
import { gradeOf } from '../../src/imaging/grade.js';
import type { SliceQuality } from '../../src/imaging/grade.js';
import { bodyMask, softTissueMask } from '../../src/imaging/masks.js';
import { noisePower } from '../../src/imaging/noise-power.js';
import { qualityOf } from '../../src/imaging/quality.js';
import { whiteNoise } from '../../src/imaging/random.js';
import { streakIndex } from '../../src/imaging/streaks.js';
import { ctImage, distance, mrImage, reference, torsoImage } from './reference-images.js';

const torso = torsoImage();
const blurred = { ...torso, values: gaussian(torso, 1.5) };
const tissue = softTissueMask(torso);
const want = reference.quality;

describe('figures without a reference agree with numpy and scipy', () => {
  it('on the same image', () => {
    expect(distance(torso.values.slice(128 * 256 + 100, 128 * 256 + 108), want.first)).toBeLessThan(0.002);
  });
  it('contrast of fat and soft tissue', () => {
    expect(ctContrast(torso, { ...torso, values: gaussian(torso, 2) })).toBeCloseTo(want.contrast, 1);
  });
  it('contrast of the two classes of an MR foreground', () => {
    const slice = mrImage(128);
    expect(mrContrast(slice, bodyMask(slice))).toBeCloseTo(want.mrContrast, 0);
  });
  it('entropy', () => {
    // The mask of limpid is worked out on every second pixel: its border differs.
    expect(entropy(torso, tissue, -160, 240)).toBeCloseTo(want.entropy, 1);
  });
  it('mean frequency of the noise power', () => {
    const inner = Uint8Array.from(torso.values, (_, i) =>
      Math.hypot(Math.floor(i / 256) - 128, (i % 256) - 128) < 78 ? 1 : 0,
    );
    expect(noisePower(torso, inner)?.blocks).toBe(want.noiseFrequency[1]);
    expect(noisePower(torso, inner)?.meanFrequency).toBeCloseTo(want.noiseFrequency[0], 4);
  });
  it('modulation transfer at edges', () => {
    const found = edgeResponse(torso, 12);
    expect(Math.abs(found.edges - want.edges[1])).toBeLessThanOrEqual(2);
    expect(Math.abs((found.mtf50 ?? 0) - want.edges[0])).toBeLessThan(0.002);
  });
  it('directed texture', () => {
    const found = streakIndex(torso, tissue) ?? Number.NaN;
    expect(Math.abs(found - want.streaks)).toBeLessThan(1);
  });
});

describe('figures follow what is done to an image', () => {
  it('a blur of 1.5 pixels lowers the frequencies of edges and noise to what it must', () => {
    // Gaussians of 1 and 1.5 pixels: a half at sqrt(ln 2 / 2) / (pi sigma).
    const sharp = edgeResponse(torso, 12).mtf50 ?? 0;
    const soft = edgeResponse(blurred, 4).mtf50 ?? 0;
    const half = (sigma: number): number => Math.sqrt(Math.LN2 / 2) / (Math.PI * sigma);
    expect(sharp).toBeGreaterThan(0.9 * half(1));
    expect(sharp).toBeLessThan(1.1 * half(1));
    expect(soft / half(Math.hypot(1, 1.5))).toBeGreaterThan(0.9);
    expect(soft / half(Math.hypot(1, 1.5))).toBeLessThan(1.15); // Hann's window cuts the tails
    const water = ctImage();
    const grain = (values: Float32Array): number =>
      noisePower({ ...water, values }, softTissueMask(water))?.meanFrequency ?? Number.NaN;
    expect(grain(gaussian(water, 1.5))).toBeLessThan(0.7 * grain(water.values));
  });
  it('the grain of a phantom is that of its noise, whatever lies beside it', () => {
    // White noise: the mean of f over a disc of 0.5 cycles per pixel is a third. Corners of some blocks are air.
    const [rows, columns] = [256, 256];
    const noise = whiteNoise(rows * columns, 3);
    const drawn = Float32Array.from({ length: rows * columns }, (_, i) =>
      Math.hypot(Math.floor(i / columns) - 128, (i % columns) - 128) < 110 ? 40 : -1000,
    );
    const values = drawn.map((value, i) => value + 20 * (noise[i] ?? 0));
    const phantom = { rows, columns, values };
    expect(noisePower(phantom, softTissueMask(phantom))?.meanFrequency).toBeCloseTo(1 / 3, 2);
    const bare = { rows, columns, values: drawn };
    expect(noisePower(bare, softTissueMask(bare))).toBeNull();
  });
  it('the grid of one direction is seen, and is not there without it', () => {
    const grid = streakIndex(torso, tissue) ?? 0;
    expect(grid).toBeGreaterThan(15);
    expect(streakIndex(ctImage(), softTissueMask(ctImage()))).toBeLessThan(5);
  });
  it('white noise of a small spot is no streak: of too few pixels nothing is told', () => {
    const [rows, columns] = [64, 64];
    const spot = (radius: number): Uint8Array =>
      Uint8Array.from({ length: rows * columns }, (_, i) =>
        Number(Math.hypot(Math.floor(i / columns) - 32, (i % columns) - 32) < radius),
      );
    for (let seed = 1; seed <= 12; seed++) {
      const noise = { rows, columns, values: Float32Array.from(whiteNoise(rows * columns, seed)) };
      expect(streakIndex(noise, spot(10))).toBeNull();
      expect(streakIndex(noise, spot(22))).toBeLessThan(15);
    }
  });
  it('what has nothing to measure has no figure', () => {
    const flat = { rows: 64, columns: 64, values: new Float32Array(64 * 64) };
    const none = new Uint8Array(64 * 64);
    expect(edgeResponse(flat, 1)).toEqual({ mtf50: null, edges: 0 });
    expect(noisePower(flat, none)).toBeNull();
    expect(streakIndex(flat, none)).toBeNull();
    expect(signalToNoise(0, 5)).toBeNull();
    expect(signalToNoise(100, 0)).toBeNull();
    expect(mrContrast(flat, none)).toBeNull();
    expect(qualityOf('CT', flat, none, null)).toEqual({
      noise: null,
      signalToNoise: null,
      contrastToNoise: null,
      mtf50: null,
      noiseFrequency: null,
      artefact: null,
      entropy: null,
    });
  });
});

describe('the grade', () => {
  const quality = (part: Partial<SliceQuality>): SliceQuality => ({
    noise: 10,
    signalToNoise: null,
    contrastToNoise: null,
    mtf50: null,
    noiseFrequency: null,
    artefact: null,
    entropy: null,
    ...part,
  });
  it.each([
    ['both good', { signalToNoise: 35, contrastToNoise: 12 }, 'light'],
    ['the worse counts', { signalToNoise: 35, contrastToNoise: 7 }, 'moderate'],
    ['signal alone', { signalToNoise: 19.9 }, 'severe'],
    ['bounds belong to the worse grade', { signalToNoise: 30, contrastToNoise: 10 }, 'moderate'],
    ['streaks make it one step worse', { signalToNoise: 35, artefact: 16 }, 'moderate'],
    ['but not worse than severe', { signalToNoise: 10, artefact: 90 }, 'severe'],
    ['mild streaks do not', { signalToNoise: 35, artefact: 15 }, 'light'],
    ['streaks alone are no grade', { artefact: 90 }, null],
  ] as const)('%s', (_, part, grade) => {
    expect(gradeOf(quality(part))).toBe(grade);
  });
  it('of the torso follows its noise', () => {
    expect(gradeOf(qualityOf('CT', torso, tissue, 12))).not.toBeNull();
    const found = qualityOf('CT', torso, tissue, 12);
    expect(found.signalToNoise).toBeCloseTo(20 * Math.log10(1050 / 12), 0);
    expect(found.contrastToNoise).toBeCloseTo(want.contrast / 12, 1);
  });
});
