import { describe, expect, it } from '@jest/globals';
import { endingOf } from '../../src/enhance/ending.js';
import { nothingFound } from '../../src/enhance/outcome.js';
import { brokenLimits, unmeasuredLimits } from '../../src/enhance/limits.js';
import type { EnhancedFigures } from '../../src/enhance/limits.js';

const limits = { meanShift: 3, residualStructure: 0.3, periodicPattern: 0.08, smoothChange: 0.4, noiseRatio: 0.25 };
const good: EnhancedFigures = {
  noiseBefore: 20,
  noiseAfter: 11,
  noiseRatio: 0.55,
  confidence: 1,
  meanShift: 0.1,
  residualStructure: -0.1,
  edgeRatio: 0.98,
  periodic: 0.02,
  smoothChange: 0.1,
  mean: 40,
  finite: true,
};
const series = (...odd: Partial<EnhancedFigures>[]): EnhancedFigures[] => [
  ...odd.map((figures) => ({ ...good, ...figures })),
  ...Array.from({ length: 20 - odd.length }, () => good),
];

describe('limits', () => {
  it('hold for a good series', () => {
    expect(brokenLimits(series(), limits, 'HU')).toEqual([]);
  });
  it.each<[string, Partial<EnhancedFigures>, RegExp]>([
    ['mean shift', { meanShift: -3.5 }, /mean shift in HU 3.50, limit 3/],
    ['residual structure', { residualStructure: 0.4 }, /residual structure 0.40, limit 0.3/],
    ['a smooth change', { smoothChange: 0.5 }, /smooth change, over the noise, 0.50, limit 0.4/],
    ['a periodic pattern', { periodic: 0.09 }, /periodic pattern taken away, over the noise, 0.09, limit 0.08/],
    ['noise that is gone', { noiseRatio: 0.2 }, /noise after over before 0.20, limit 0.25/],
  ])('break on %s in more than one slice of ten', (_, figures, words) => {
    expect(brokenLimits(series(figures, figures), limits, 'HU')).toEqual([]);
    expect(brokenLimits(series(figures, figures, figures), limits, 'HU').join()).toMatch(words);
  });
  it('break on one slice beyond twice a limit', () => {
    expect(brokenLimits(series({ meanShift: 6.5 }), limits, 'HU').join()).toMatch(/of one slice 6.50, limit 6/);
  });
  it('break on one slice of which hardly any noise is left', () => {
    expect(brokenLimits(series({ noiseRatio: 0.13 }), limits, 'HU')).toEqual([]);
    expect(brokenLimits(series({ noiseRatio: 0.12 }), limits, 'HU')).toEqual([
      'noise after over before of one slice 0.12, limit 0.125',
    ]);
  });
  it.each(['meanShift', 'residualStructure', 'periodic', 'smoothChange', 'noiseRatio'] as const)(
    'break on a single %s that is no number, which is above no limit and below none',
    (figure) => {
      const broken = brokenLimits(series({ [figure]: Number.NaN }), limits, 'HU');
      expect(broken).toEqual([expect.stringMatching(/ is no number, limit /)]);
    },
  );
  it('break on a single value that is no number', () => {
    expect(brokenLimits(series({ finite: false }), limits, 'HU')).toEqual(['values that are no number']);
  });
  it('leave out what was not measured, and what the card does not limit', () => {
    const unknown = { meanShift: null, residualStructure: null, smoothChange: null, noiseRatio: null };
    expect(brokenLimits(series(unknown, unknown, unknown), limits, 'HU')).toEqual([]);
    const free = { meanShift: null, residualStructure: null, smoothChange: null, noiseRatio: null };
    expect(brokenLimits(series({ meanShift: 50, residualStructure: 1, noiseRatio: 0 }), free, 'HU')).toEqual([]);
  });
  it('that no slice has a figure for are named, and warn of a result that is made', () => {
    const unknown = { meanShift: null, residualStructure: null, smoothChange: null };
    const blind = Array.from({ length: 3 }, () => ({ ...good, ...unknown }));
    expect(unmeasuredLimits(blind, limits, 'HU')).toEqual(['mean shift in HU', 'residual structure', 'smooth change']);
    expect(unmeasuredLimits([...blind, good], limits, 'HU')).toEqual([]);
    const free = { ...limits, meanShift: null, residualStructure: null, smoothChange: null };
    expect(unmeasuredLimits(blind, free, 'HU')).toEqual([]);
    const finished = blind.map((figures) => ({ changed: true, figures }));
    const { ending, warnings } = endingOf(finished, { strength: 0.4 }, { found: nothingFound, limits, unit: 'HU' });
    expect(ending.outcome).toBe('enhanced');
    expect(warnings).toEqual([
      { code: 'LIMITS_NOT_MEASURED', detail: 'mean shift in HU; residual structure; smooth change' },
    ]);
  });
});
