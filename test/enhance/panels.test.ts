import { describe, expect, it } from '@jest/globals';
import { decode } from 'fast-png';
import { clinicalWindow, panels } from '../../src/enhance/panels.js';

const slice = (values: number[]) => ({ rows: 2, columns: 2, values: Float32Array.from(values) });

describe('panels', () => {
  it('show before, after and difference at the soft-tissue window', () => {
    const png = decode(panels('CT', slice([-160, 240, 40, -1000]), slice([-160, 190, 40, 3000])));
    expect([png.width, png.height, png.channels, png.depth]).toEqual([3 * 2 + 16, 2, 1, 8]);
    const at = (r: number, c: number): number => png.data[r * png.width + c] ?? -1;
    expect([at(0, 0), at(0, 1), at(1, 0), at(1, 1)]).toEqual([0, 255, 128, 0]);
    expect([at(0, 10), at(0, 11), at(1, 11)]).toEqual([0, 223, 255]);
    expect([at(0, 20), at(0, 21), at(1, 21)]).toEqual([128, 255, 0]); // 0, +50, far below
    expect(at(0, 3)).toBe(255); // between the panels
  });
  it('show before in pixels as small as those of a finer grid, and no difference', () => {
    const fine = { rows: 4, columns: 4, values: Float32Array.from({ length: 16 }, (_, i) => -160 + 25 * i) };
    const png = decode(panels('CT', slice([-160, 240, 40, -1000]), fine));
    expect([png.width, png.height]).toEqual([2 * 4 + 8, 4]);
    const row = (r: number, from: number): number[] => {
      const at = r * png.width + from;
      return Array.from(png.data.subarray(at, at + 4));
    };
    expect([0, 1, 2, 3].map((r) => row(r, 0))).toEqual([
      [0, 0, 255, 255],
      [0, 0, 255, 255],
      [128, 128, 0, 0],
      [128, 128, 0, 0],
    ]);
    expect([...row(0, 12), ...row(3, 12)]).toEqual([0, 16, 32, 48, 191, 207, 223, 239]);
  });
  it('take the window of MR from the slice', () => {
    expect(clinicalWindow('MR', slice([0, 100, 200, 1000]))).toEqual({ low: 0, high: expect.closeTo(988, 0) });
    // Values that a rescale has brought below 1 are no black picture.
    expect(clinicalWindow('MR', slice([0, 0.001, 0.002, 0.01])).high).toBeCloseTo(0.01, 3);
    const png = decode(panels('MR', slice([0, 0.001, 0.002, 0.004]), slice([0, 0.001, 0.002, 0.004])));
    expect(Math.max(...png.data.subarray(0, 2), png.data[png.width + 1] ?? 0)).toBe(255);
    const dot = { rows: 20, columns: 20, values: new Float32Array(400).fill(0.5, 399) };
    expect(clinicalWindow('MR', dot)).toEqual({ low: 0, high: 0.5 });
    expect(clinicalWindow('MR', slice([0, 0, 0, 0]))).toEqual({ low: 0, high: 1 });
  });
});
