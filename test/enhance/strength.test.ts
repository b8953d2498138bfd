import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fixedBlendOf, foundAt, strengthFor } from '../../src/enhance/find-strength.js';
import { nothingFound } from '../../src/enhance/outcome.js';
import {
  blendFor,
  calibrationIndices,
  effectiveStrength,
  middleOf,
  mostBlendFor,
  probedBlends,
  ratioAt,
  roundedBlend,
} from '../../src/enhance/strength.js';

const ct = { a: 4, b: 8 };

describe('the effective strength', () => {
  it.each([
    [3, 0],
    [4, 0],
    [8, 0.2],
    [12, 0.4],
    [40, 0.4],
  ])('of 0.4 at %d HU is %d', (noise, want) => {
    expect(effectiveStrength(0.4, noise, ct)).toBeCloseTo(want, 12);
  });
  it('rises with the noise and never passes what was asked', () => {
    const noise = fc.double({ min: 0, max: 100, noNaN: true });
    fc.assert(
      fc.property(noise, noise, fc.double({ min: 0.05, max: 0.75, noNaN: true }), (x, y, asked) => {
        const [low, high] = [Math.min(x, y), Math.max(x, y)];
        expect(effectiveStrength(asked, low, ct)).toBeLessThanOrEqual(effectiveStrength(asked, high, ct));
        expect(effectiveStrength(asked, high, ct)).toBeLessThanOrEqual(asked);
      }),
    );
  });
});

describe('calibration slices', () => {
  it('are all of a short series, and nine of a long one, apart and away from its ends', () => {
    expect(calibrationIndices(3)).toEqual([0, 1, 2]);
    expect(calibrationIndices(9)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(calibrationIndices(300)).toEqual([16, 50, 83, 116, 150, 183, 216, 250, 283]);
  });
  it('are distinct and lie in the series', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), (count) => {
        const indices = calibrationIndices(count);
        expect(new Set(indices).size).toBe(Math.min(9, count));
        expect(indices.every((index) => index >= 0 && index < count)).toBe(true);
      }),
    );
  });
});

describe('the blend', () => {
  const linear = (slope: number): number[] => probedBlends.map((blend) => 1 - slope * blend);
  it('is the least multiple of 1/64 that reaches the strength in the middle slice', () => {
    expect(blendFor([linear(0.9), linear(0.1), linear(0.95)], 0.45, 1)).toBe(0.5);
    expect(blendFor([linear(0.9)], 0.451, 1)).toBe(33 / 64);
  });
  it('is the most that the card allows where the strength is out of reach', () => {
    expect(blendFor([linear(0.3)], 0.5, 1)).toBe(1);
    expect(blendFor([linear(0.3)], 0.5, 0.75)).toBe(0.75);
    expect(blendFor([linear(0.9)], 0.45, 0.75)).toBe(0.5);
    // One that would reach it, but only beyond what the card allows, where the result looks painted.
    expect(blendFor([linear(0.6)], 0.57, 1)).toBe(61 / 64);
    expect(blendFor([linear(0.6)], 0.57, 0.875)).toBe(0.875);
  });
  it('may be higher where the whole residual leaves little of the noise', () => {
    const card = { mostBlend: 0.640625, evenBlend: { most: 0.75, from: 0.2, to: 0.3 } };
    expect([0.1, 0.2, 0.25, 0.3, 0.6].map((left) => mostBlendFor([linear(1 - left)], card))).toEqual([
      0.75,
      0.75,
      44 / 64,
      0.640625,
      0.640625,
    ]);
    // The middle slice decides, and it is the whole residual that does.
    expect(mostBlendFor([linear(0.9), linear(0.4), linear(0.5)], card)).toBe(0.640625);
    expect(mostBlendFor([[0.8, 0.6, 0.4, 0.35]], card)).toBe(0.640625);
    expect(mostBlendFor([linear(0.9)], { ...card, evenBlend: null })).toBe(0.640625);
  });
  it('reaches the strength, and one step less does not', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.6, max: 1, noNaN: true }),
        fc.double({ min: 0.05, max: 0.55, noNaN: true }),
        (slope, asked) => {
          const blend = blendFor([linear(slope)], asked, 1);
          expect(blend * 64).toBe(Math.round(blend * 64));
          expect(1 - ratioAt(linear(slope), blend)).toBeGreaterThanOrEqual(asked);
          expect(1 - ratioAt(linear(slope), blend - 1 / 64)).toBeLessThan(asked);
        },
      ),
    );
  });
  it('is never more than the card allows, be that no multiple of 1/64, or the noise not measurable', () => {
    expect(blendFor([linear(0.3)], 0.5, 0.51)).toBe(0.5);
    expect(fixedBlendOf({ lift: [], strength: 0.4 }, { fixedBlend: 0.75, mostBlend: 0.51 }).blend).toBe(0.5);
    const lifted = { lift: ['NOISE_NOT_MEASURABLE' as const], strength: 0.55 };
    expect(fixedBlendOf(lifted, { fixedBlend: null, mostBlend: 0.5 }).blend).toBe(0.5);
    expect(fixedBlendOf(lifted, { fixedBlend: null, mostBlend: 0.875 }).blend).toBe(35 / 64);
  });
  it('is read off between the probed ones', () => {
    expect(ratioAt([0.8, 0.5, 0.3, 0.2], 0.125)).toBeCloseTo(0.9, 12);
    expect(ratioAt([0.8, 0.5, 0.3, 0.2], 0.625)).toBeCloseTo(0.4, 12);
    expect(ratioAt([0.8, 0.5, 0.3, 0.2], 1)).toBe(0.2);
  });
  it('that a card fixes is rounded into 1/64..1', () => {
    expect([roundedBlend(0.5), roundedBlend(0), roundedBlend(2), roundedBlend(0.51)]).toEqual([
      0.5,
      1 / 64,
      1,
      33 / 64,
    ]);
  });
});

it('takes the middle of a list', () => {
  expect([middleOf([3, 1, 2]), middleOf([4, 1, 2, 3]), middleOf([])]).toEqual([2, 2.5, Number.NaN]);
});

describe('what a series is found to need', () => {
  const card = { id: 'some', noise: { CT: { ...ct, unit: 'HU' } } } as const;
  const noises = [10, 8, 30].map((sigma) => ({ sigma, toRecord: 0.5 }));

  it('is the strength that fits the middle of its slices, whose noise is told in the unit of the record', () => {
    const { found, refusal } = strengthFor({ strength: 0.4 }, card, 'CT', { noises, found: nothingFound });
    expect(found.effective).toBeCloseTo(effectiveStrength(0.4, 10, ct), 12);
    expect(found.noise.before).toBe(5);
    expect(refusal).toBeNull();
  });
  it('is nothing where it is clean already, unless nothing was asked for', () => {
    const clean = { noises: [{ sigma: 3.26, toRecord: 1 }], found: nothingFound };
    const { found, refusal } = strengthFor({ strength: 0.4 }, card, 'CT', clean);
    expect(found).toMatchObject({ effective: 0, noise: { before: 3.26 } });
    expect(refusal?.ending).toMatchObject({
      outcome: 'skipped',
      code: 'ALREADY_CLEAN',
      detail: 'noise 3.3, floor 4 (HU)',
    });
    expect(strengthFor({ strength: 0 }, card, 'CT', clean).refusal).toBeNull();
  });
  it('is nothing where less than a tenth of what was asked for would be taken: it would come back as it was', () => {
    const { a, b } = ct;
    const at = (sigma: number) =>
      strengthFor({ strength: 0.05 }, card, 'CT', { noises: [{ sigma, toRecord: 1 }], found: nothingFound }).refusal;
    expect(at(a + 0.099 * b)?.ending.code).toBe('ALREADY_CLEAN');
    expect(at(a + 0.101 * b)).toBeNull();
  });
  it('cannot be told by a card without the noise of its modality', () => {
    expect(() => strengthFor({ strength: 0.4 }, card, 'MR', { noises, found: nothingFound })).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID' }),
    );
  });
  it('is a fixed blend where no noise can be measured, if the card names one or the task lifts the reason', () => {
    expect(() => fixedBlendOf({ lift: [], strength: 0.4 }, { fixedBlend: null, mostBlend: 1 })).toThrow(
      expect.objectContaining({ ending: expect.objectContaining({ code: 'NOISE_NOT_MEASURABLE' }) }),
    );
  });
  it('has been reached as the slices measure it, else as their curves say', () => {
    const before = { ...nothingFound, noise: { ...nothingFound.noise, before: 20 } };
    const curve = probedBlends.map((blend) => 1 - blend / 2);
    expect(foundAt(before, 0.5, [0.5, null, 0.6], [curve])).toMatchObject({
      blend: 0.5,
      reached: expect.closeTo(0.45, 12),
      noise: { before: 20, after: expect.closeTo(11, 12) },
    });
    expect(foundAt(before, 0.5, [null], [curve]).reached).toBeCloseTo(0.25, 12);
    expect(foundAt(nothingFound, 0.5, [0.5], [curve]).noise.after).toBeNull();
  });
});
