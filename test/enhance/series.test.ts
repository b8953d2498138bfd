// The order of a series and the numbers of its derived objects.
import { describe, expect, it } from '@jest/globals';
import type { SurveyedObject } from '../../src/enhance/methods.js';
import { orderSeries } from '../../src/enhance/series.js';

/** An object of frames at some positions along the patient's axis, mm. */
const object = (
  instanceNumber: number | null,
  concatenationUid: string | null,
  ...positions: readonly number[]
): SurveyedObject => ({
  modality: 'CT',
  instanceNumber,
  concatenationUid,
  words: { number: 3, description: new Uint8Array(0), characterSets: [] },
  frames: positions.map((z) => ({
    position: [0, 0, z],
    orientation: [1, 0, 0, 0, 1, 0],
    spacing: [1, 1],
    rows: 16,
    columns: 16,
    told: [],
  })),
});

/** Instance Numbers of the derived objects. */
function numbersOf(...surveyed: readonly SurveyedObject[]): 'kept' | number[] {
  const sources = surveyed.map((_, index) => ({ file: `${index}`, sopInstanceUid: `1.2.${index}` }));
  const ordered = orderSeries(surveyed, sources, null);
  if ('code' in ordered) throw new Error(ordered.code);
  const { numbers, instanceNumbers } = ordered;
  // Files are named by these.
  expect(numbers.toSorted((a, b) => a - b)).toEqual([...surveyed.keys()].map((index) => index + 1));
  return instanceNumbers === 'kept'
    ? 'kept'
    : sources.map(({ sopInstanceUid }) => instanceNumbers.get(sopInstanceUid) ?? 0);
}

describe('Instance Numbers of a derived series', () => {
  it('are kept where each is of one object', () => {
    expect(numbersOf(object(7, null, 0), object(5, null, 2))).toBe('kept');
  });

  it('are kept where the parts of a concatenation share one', () => {
    expect(numbersOf(object(1, '1.5', 4, 6), object(1, '1.5', 0, 2), object(2, null, 8))).toBe('kept');
  });

  it('follow the position where objects share one, or have none', () => {
    expect(numbersOf(object(1, null, 4), object(1, null, 0), object(1, null, 2))).toEqual([3, 1, 2]);
    expect(numbersOf(object(null, null, 4), object(1, null, 0))).toEqual([2, 1]);
  });

  it('are one for all parts of a concatenation also by position', () => {
    const parts = [object(1, '1.5', 4), object(1, '1.5', 2), object(1, '1.6', 0), object(1, '1.6', 6)];
    expect(numbersOf(...parts)).toEqual([2, 2, 1, 1]);
  });
});
