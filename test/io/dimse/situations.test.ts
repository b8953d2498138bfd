// The table of situations is whole: each of the 103, and each rule for hostile peers, is played by a test file that is held to its part.
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { hostileRules, situations } from '../../support/situations.js';

const ids = Object.values(situations).flatMap((file) => Object.keys(file));

describe('the situations', () => {
  it('are 103 by number, and each stands once', () => {
    const numbers = ids.filter((id) => /^\d+$/.test(id)).map(Number);
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 103 }, (_, index) => index + 1));
    expect(new Set(ids).size).toBe(ids.length);
  });
  it.each(Object.keys(situations))('%s is held to its part', async (file) => {
    const source = await readFile(new URL(`../../${file}.test.js`, import.meta.url), 'utf8');
    expect(source).toContain(`expectEverySituation('${file}')`);
  });
  it('cover each rule for hostile and broken peers', () => {
    expect(Object.keys(hostileRules)).toHaveLength(16);
    for (const [rule, cases] of Object.entries(hostileRules)) {
      expect({ rule, missing: cases.filter((id) => !ids.includes(`${id}`)) }).toEqual({ rule, missing: [] });
      expect(cases).not.toEqual([]);
    }
  });
});
