// Speckle of ultrasound images is measured in grey tissue alone, and its share that goes is told by the same estimator.
import { describe, expect, it } from '@jest/globals';
import { measureSlice, noiseRatio } from '../../src/enhance/noise.js';
import { kernelNoise } from '../support/phantom.js';

const size = 192;
const everywhere = new Uint8Array(size * size).fill(1);
const grain = kernelNoise(size, size, 3);

/** Left half black as beside the fan, a white bar on top, the rest grey of 110 with speckle of `deviation`. */
function sonogram(deviation: number): Float32Array {
  return Float32Array.from({ length: size * size }, (_, i) => {
    const [row, column] = [Math.floor(i / size), i % size];
    if (row < 20) return 255;
    return column < size / 2 ? 0 : 110 + deviation * grain[i]!;
  });
}

describe('an ultrasound image', () => {
  it('is measured where the display shows its speckle whole', () => {
    const measured = measureSlice('US', size, size, sonogram(12), 8, everywhere);
    expect(measured.scale).toBe(1);
    expect(measured.sigma! / 12).toBeGreaterThan(0.9);
    expect(measured.sigma! / 12).toBeLessThan(1.1);
    expect(measured.mask[10 * size + 150]).toBe(0);
    expect(measured.mask[100 * size + 40]).toBe(0);
    expect(measured.mask[100 * size + 150]).toBe(1);
    expect(new Set(measured.map)).toEqual(new Set([Math.fround(measured.sigma!)]));
  });

  it('has 60 % of its speckle after 40 % have gone', () => {
    const measured = measureSlice('US', size, size, sonogram(12), 8, everywhere);
    const after = { rows: size, columns: size, values: sonogram(12 * 0.6) };
    expect(noiseRatio(measured, after)).toBeCloseTo(0.6, 1);
  });

  it('without grey tissue gives no number, and the guess as its map', () => {
    const measured = measureSlice('US', size, size, new Float32Array(size * size), 8, everywhere);
    expect(measured.sigma).toBeNull();
    expect(measured.map[0]).toBe(8);
  });
});
