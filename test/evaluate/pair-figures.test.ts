import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { meanFigures, pairFigures, protocol, protocolFor } from '../../src/evaluate/pair-figures.js';
import { pairing } from '../../src/evaluate/pairing.js';
import type { Slice } from '../../src/imaging/slice.js';

/** Water of 60x60 in air, with a block of bone. */
function torso(): Slice {
  const values = Float32Array.from({ length: 80 * 80 }, (_, i) => {
    const [r, c] = [Math.floor(i / 80), i % 80];
    if (r >= 30 && r < 42 && c >= 30 && c < 42) return 400;
    return r >= 10 && r < 70 && c >= 10 && c < 70 ? 30 : -1000;
  });
  return { rows: 80, columns: 80, values };
}

const changed = (slice: Slice, change: (value: number, i: number) => number): Slice => ({
  ...slice,
  values: slice.values.map(change),
});

describe('figures against a reference', () => {
  const reference = torso();
  const ct = protocolFor('CT', reference);

  it('of a slice against itself are perfect', () => {
    const perfect = pairFigures(reference, reference, ct);
    expect(perfect).toEqual({ psnr: null, ssim: 1, mae: 0, dice: 1 });
    // PSNR of equal slices has no bound: it is none that a mean could hold.
    expect(meanFigures([perfect, { ...perfect, psnr: 30 }, { ...perfect, psnr: 40 }]).psnr).toBe(35);
    expect(meanFigures([perfect, perfect]).psnr).toBeNull();
  });
  it('of 10 HU more everywhere are 32.04 dB and 10 HU, where nothing is clipped', () => {
    const body = ct.body.map((inside, i) => (inside === 1 && (reference.values[i] ?? 0) < 200 ? 1 : 0));
    const { psnr, mae } = pairFigures(
      changed(reference, (value) => value + 10),
      reference,
      { ...ct, body },
    );
    expect(psnr).toBeCloseTo(20 * Math.log10(400 / 10), 4);
    expect(mae).toBeCloseTo(10, 4);
  });
  it('have the body that scipy makes by the words of the protocol', () => {
    expect(protocol).toContain('smoothing by 2 pixels');
    expect(protocol).toContain('2 pixels of its border taken off');
    // binary_erosion(binary_fill_holes(g > 0.1 * quantile(g, 0.99)), iterations=2), g = gaussian_filter(reference + 1000, 2)
    expect(ct.body.reduce((sum, inside) => sum + inside, 0)).toBe(3600);
  });
  it('look inside the body alone', () => {
    const noisyAir = changed(reference, (value, i) => (ct.body[i] === 0 ? 500 * (i % 2) : value));
    const { mae, dice } = pairFigures(noisyAir, reference, ct);
    expect([mae, dice]).toEqual([0, 1]);
  });
  it('Dice counts what stays above the threshold', () => {
    // Half of the 144 pixels of bone lost: 2 x 72 / (72 + 144).
    const lost = changed(reference, (value, i) => (value === 400 && i % 2 === 0 ? 0 : value));
    expect(pairFigures(lost, reference, ct).dice).toBeCloseTo((2 * 72) / (72 + 144), 6);
  });
  it('Dice of nothing to segment is none', () => {
    const soft = changed(reference, (value) => Math.min(value, 50));
    const figures = pairFigures(soft, soft, protocolFor('CT', soft));
    expect(figures.dice).toBeNull();
    expect(meanFigures([figures, { ...figures, dice: 0.5 }]).dice).toBe(0.5);
  });
  it.each([
    [8, 8],
    [10, 64],
    [64, 10],
  ])('SSIM of a slice of %i x %i, smaller than its window, is none', (rows, columns) => {
    const small = { rows, columns, values: new Float32Array(rows * columns).fill(40) };
    const figures = pairFigures(small, small, protocolFor('CT', small));
    expect(figures.ssim).toBeNull();
    expect(meanFigures([figures, { ...figures, ssim: 0.5 }]).ssim).toBe(0.5);
    expect(meanFigures([figures]).ssim).toBeNull();
  });
  it('slices of different sizes are refused', () => {
    expect(() => pairFigures({ rows: 2, columns: 2, values: new Float32Array(4) }, reference, ct)).toThrow(RangeError);
  });
  it('of MR do not depend on the scale', () => {
    const mr = changed(reference, (value) => value + 1000);
    const noisy = changed(mr, (value, i) => value + ((i * 37) % 21) - 10);
    const times = (slice: Slice): Slice => changed(slice, (value) => value * 3);
    const once = pairFigures(noisy, mr, protocolFor('MR', mr));
    const thrice = pairFigures(times(noisy), times(mr), protocolFor('MR', times(mr)));
    expect(thrice.psnr).toBeCloseTo(once.psnr ?? Number.NaN, 3);
    expect(thrice.ssim).toBeCloseTo(once.ssim ?? Number.NaN, 4);
    expect(thrice.mae).toBeCloseTo(3 * once.mae, 2);
  });
});

describe('pairing', () => {
  const slice = (z: number, instanceNumber: number | null = null) => ({
    position: [0, 0, z],
    orientation: [1, 0, 0, 0, 1, 0],
    instanceNumber,
  });
  it('finds the same place in any order', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: -500, max: 500 }), { minLength: 1, maxLength: 30 }), (places) => {
        const reference = places.map((z) => slice(z));
        const test = places.toReversed().map((z) => slice(z + 0.01));
        expect(pairing(test, reference).map((index) => places[index])).toEqual(places.toReversed());
      }),
    );
  });
  it('goes by Instance Number where there are no positions', () => {
    const without = (n: number) => ({ position: [], orientation: [], instanceNumber: n });
    expect(pairing([without(3), without(1)], [without(10), without(20)])).toEqual([1, 0]);
  });
  it('goes by the order of Instance Numbers where several lie at one place', () => {
    const times = [1, 2, 3].flatMap((time) => [0, 5].map((z) => slice(z, 10 * time + z)));
    expect(pairing(times, times)).toEqual([0, 1, 2, 3, 4, 5]);
    const later = [3, 2, 1].flatMap((time) => [5, 0].map((z) => slice(z, 100 * time + z)));
    expect(pairing(later, times)).toEqual([5, 4, 3, 2, 1, 0]);
    // Each time against their mean.
    expect(pairing(times, [slice(0), slice(5)])).toEqual([0, 1, 0, 1, 0, 1]);
  });
  it('keeps stacks side by side apart, and a finer grid with its own', () => {
    const aside = (x: number, z: number, instanceNumber: number) => ({
      position: [x, 0, z],
      orientation: [1, 0, 0, 0, 1, 0],
      instanceNumber,
    });
    const stacks = [aside(0, 0, 1), aside(0, 5, 2), aside(200, 0, 3), aside(200, 5, 4)];
    // numbered in another order, as a derived series may be
    const test = [aside(200, 0, 1), aside(199.75, 5, 2), aside(-0.25, 0, 3), aside(0, 5, 4)];
    expect(pairing(test, stacks)).toEqual([2, 3, 0, 1]);
    expect(() => pairing(test, stacks.slice(0, 2))).toThrow(/no reference slice at 0.00 mm .*: .* 200.0 mm aside/);
  });
  it('refuses slices of one place that cannot be told apart', () => {
    const together = [slice(0, 1), slice(0, 1), slice(5, 2)];
    expect(() => pairing(together, together)).toThrow(
      /2 and 2 slices at 0.00 mm .* cannot be told apart by Instance Number: give the images of one echo/,
    );
    expect(() => pairing([slice(0, 1), slice(5, 2)], together)).toThrow(/1 and 2 slices at 0.00 mm/);
  });
  it('refuses slices that neither places nor Instance Numbers tell apart', () => {
    const bare = (instanceNumber: number | null) => ({ position: [], orientation: [], instanceNumber });
    const numbered = [bare(3), bare(2)];
    const why = /2 and 2 slices without positions, that do not each have an Instance Number of their own/;
    expect(() => pairing([bare(null), bare(null)], numbered)).toThrow(why);
    expect(() => pairing(numbered, [bare(1), bare(1)])).toThrow(why);
    expect(pairing([bare(null)], [bare(null)])).toEqual([0]);
  });
  it('refuses what has no partner', () => {
    expect(() => pairing([slice(5)], [slice(0)])).toThrow(/no reference slice at 5.00 mm/);
    const without = { position: [], orientation: [], instanceNumber: 1 };
    expect(() => pairing([without], [without, without])).toThrow(/1 and 2 slices/);
  });
});
