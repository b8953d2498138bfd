import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fuzzPixels } from '../support/fuzz-pixels.js';

it('strange pixel data end soon, as an image of their size or as a refusal', async () => {
  const outcomes: string[] = [];
  const result = await fc.check(await fuzzPixels((outcome) => outcomes.push(outcome)), { numRuns: 1000 });
  expect(result.failed ? fc.defaultReportMessage(result) : '').toBe('');
  expect(new Set(outcomes)).toEqual(new Set(['image', 'refused']));
});
