import { describe, expect, it } from '@jest/globals';
import { removeAirBias } from '../../src/imaging/air-bias.js';

const rows = 96;
const columns = 128;
const slice = { rows, columns, values: new Float32Array(rows * columns) };
const at = (r: number, c: number): number => r * columns + c;

describe('removeAirBias', () => {
  it('leaves no local mean in air, where the bias varies, and does not touch tissue', () => {
    const mask = Uint8Array.from({ length: rows * columns }, (_, i) => (i % columns < 40 ? 1 : 0));
    const bias = (c: number): number => 10 + c / 16;
    const residual = Float32Array.from(
      { length: rows * columns },
      (_, i) => bias(i % columns) + (((i * 7919) % 101) - 50) / 10,
    );
    const before = residual.slice();
    removeAirBias(slice, residual, mask);
    for (let r = 0; r < rows; r += 1) for (let c = 0; c < 40; c += 1) expect(residual[at(r, c)]).toBe(before[at(r, c)]);
    for (let c0 = 48; c0 + 16 <= 112; c0 += 16) {
      let sum = 0;
      for (let r = 0; r < rows; r += 1) for (let c = c0; c < c0 + 16; c += 1) sum += residual[at(r, c)] ?? 0;
      expect(Math.abs(sum / (rows * 16))).toBeLessThan(0.5);
    }
  });

  it('changes nothing where there is hardly any air', () => {
    const mask = new Uint8Array(rows * columns).fill(1);
    mask[at(10, 10)] = 0;
    const residual = new Float32Array(rows * columns).fill(3);
    removeAirBias(slice, residual, mask);
    expect(residual.every((value) => value === 3)).toBe(true);
  });
});
