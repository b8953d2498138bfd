import { describe, expect, it } from '@jest/globals';
import type { Quality } from '../../src/enhance/finish.js';
import { gradesOf, isJudged, qualityFigures } from '../../src/enhance/quality-figures.js';
import type { SliceQuality } from '../../src/imaging/grade.js';

const slice = (part: Partial<SliceQuality>): SliceQuality => ({
  noise: 20,
  signalToNoise: 25,
  contrastToNoise: 7,
  mtf50: 0.2,
  noiseFrequency: 0.15,
  artefact: 2,
  entropy: 6,
  ...part,
});
const judged = (before: Partial<SliceQuality>, after: Partial<SliceQuality>): Quality => ({
  before: slice(before),
  after: slice(after),
});

describe('figures of a series', () => {
  it('are the middle of the judged slices that have them', () => {
    const figures = qualityFigures([
      judged({ contrastToNoise: 4 }, { contrastToNoise: 8 }),
      judged({ contrastToNoise: 6, mtf50: null }, { contrastToNoise: 11, mtf50: null }),
      judged({ contrastToNoise: 9, mtf50: 0.24 }, { contrastToNoise: 15, mtf50: 0.22 }),
    ]);
    expect(figures['contrastToNoise']).toEqual({ measured: true, before: 6, after: 11, unit: '1' });
    expect(figures['sharpness']).toMatchObject({ measured: true, before: 0.22, after: 0.21 });
  });
  it('that no slice has are not measured, and say so', () => {
    const none = qualityFigures([judged({ artefact: null }, { artefact: null })]);
    expect(none['artefact']).toEqual({ measured: false, before: null, after: null, unit: '%' });
    expect(qualityFigures([])['grain']).toMatchObject({ measured: false });
  });
  it('grade what was and what is', () => {
    expect(gradesOf([judged({}, { signalToNoise: 33, contrastToNoise: 12 })])).toEqual({
      before: 'moderate',
      after: 'light',
    });
    const nothing = { signalToNoise: null, contrastToNoise: null };
    expect(gradesOf([judged(nothing, nothing)])).toEqual({ before: null, after: null });
    expect(gradesOf([])).toBeNull();
  });
});

it('at most five slices are judged, the first and the last among them', () => {
  for (let count = 1; count <= 40; count++) {
    const ranks = Array.from({ length: count }, (_, rank) => rank).filter((rank) => isJudged(rank, count));
    expect(ranks.length).toBe(Math.min(count, 5));
    expect(ranks[0]).toBe(0);
    expect(ranks.at(-1)).toBe(count - 1);
  }
});
