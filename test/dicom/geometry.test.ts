import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { normalOf, stackOf } from '../../src/dicom/geometry.js';
import { processorMs } from '../support/processor-time.js';

const axial = [1, 0, 0, 0, 1, 0];
const at = (...heights: number[]) => heights.map((z) => ({ position: [-100, -80, z], orientation: axial }));

describe('stackOf', () => {
  it('orders slices along the normal and finds spacing, gaps and duplicates', () => {
    const stack = stackOf(at(10, 0, 5, 20, 5, 25));
    expect(stack?.order).toEqual([1, 2, 4, 0, 3, 5]);
    expect(stack).toMatchObject({ spacing: 5, gaps: 1, duplicates: 1 });
  });

  it('measures along the normal, not along an axis', () => {
    const sagittal = [0, 1, 0, 0, 0, -1];
    const stack = stackOf([3, 1, 2].map((x) => ({ position: [x, 7, 9], orientation: sagittal })));
    expect(normalOf(sagittal)).toEqual([-1, 0, 0]);
    expect(stack?.order).toEqual([0, 2, 1]);
    expect(stack?.spacing).toBeCloseTo(1);
  });

  it('takes a step above 1.5 medians for a gap, and none below', () => {
    expect(stackOf(at(0, 1, 2, 3.5))?.gaps).toBe(0);
    expect(stackOf(at(0, 1, 2, 3.51))?.gaps).toBe(1);
    expect(stackOf(at(4))).toMatchObject({ spacing: null, gaps: 0, duplicates: 0 });
  });

  describe('of a head, thin at its base and thick above', () => {
    const head = (...missing: number[]) =>
      [
        ...Array.from({ length: 14 }, (_, index) => ({ z: 4.22 * index, thicknessMm: 4 })),
        ...Array.from({ length: 14 }, (_, index) => ({ z: 4.22 * 13 + 7.38 * (index + 1), thicknessMm: 7 })),
      ]
        .filter((_, index) => !missing.includes(index))
        .map(({ z, thicknessMm }) => ({ position: [-100, -80, z], orientation: axial, thicknessMm }));
    it.each([
      ['nothing', [], 0],
      ['a thin slice', [5], 1],
      ['a thick slice', [20], 1],
      ['the last thin one', [13], 1],
      ['the first thick one', [14], 1],
      ['two together and one', [2, 3, 25], 2],
    ])('%s is missing', (_name, missing, gaps) => expect(stackOf(head(...missing))?.gaps).toBe(gaps));
    it('too few slices of a thickness have no usual step of their own', () => {
      const few = [0, 1, 2, 3, 4, 5, 9, 13].map((z, index) => ({ ...at(z)[0]!, thicknessMm: index < 5 ? 1 : 3 }));
      expect(stackOf(few)?.gaps).toBe(2);
    });
    it('are told at once of a hundred thousand slices', () => {
      const planes = Array.from({ length: 100_000 }, (_, z) => ({
        ...at(z)[0]!,
        thicknessMm: 1 + (z % 2 === 0 ? 0 : 1e-3 * (z % 7)),
      }));
      const started = processorMs();
      expect(stackOf(planes)?.gaps).toBe(0);
      expect(processorMs() - started).toBeLessThan(3000);
    });
    it('steps of one thickness are judged together, however its slices lie', () => {
      const planes = at(0, 1, 2, 4, 5, 6, 8).map((plane) => ({ ...plane, thicknessMm: 1 }));
      expect(stackOf(planes)?.gaps).toBe(2);
    });
  });

  it('gives null for positions and orientations that are none', () => {
    expect(stackOf([])).toBeNull();
    expect(stackOf([{ position: [1, 2], orientation: axial }])).toBeNull();
    expect(stackOf([{ position: [1, 2, Number.NaN], orientation: axial }])).toBeNull();
    expect(stackOf([{ position: [1, 2, 3], orientation: [1, 0, 0, 1, 0, 0] }])).toBeNull();
  });

  it('does not depend on the order in which slices are given', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 6, 7, 12], { minLength: 2 }), (heights) => {
        const stack = stackOf(at(...heights));
        expect(stack?.order.map((index) => heights[index])).toEqual([...heights].sort((a, b) => a - b));
      }),
    );
  });
});
