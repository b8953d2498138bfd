import { describe, expect, it } from '@jest/globals';
import { ruleSays, unitSays } from '../../src/spool/view-words.js';

const chest = { condition: 'BodyPartExamined equals CHEST', holds: false, found: 'missing' };
const ct = { condition: 'Modality equals CT', holds: true, found: 'CT' };
const thin = { condition: 'SliceThickness atMost 3', holds: false, found: '5.0' };

describe('a rule in words', () => {
  it('tells what it matches by', () => {
    expect(ruleSays({ matched: true, conditions: [ct, { ...chest, holds: true, found: 'CHEST' }] })).toBe(
      'matches: Modality equals CT, found CT; BodyPartExamined equals CHEST, found CHEST',
    );
    expect(ruleSays({ matched: true, conditions: [] })).toBe('matches');
  });

  it('tells of one that does not match only what does not hold', () => {
    const any = { condition: 'any', holds: false, parts: [chest, { ...chest, found: 'HEAD' }] };
    const not = { condition: 'not', holds: false, parts: [ct] };
    const all = { condition: 'all', holds: false, parts: [ct, thin] };
    expect(ruleSays({ matched: false, conditions: [ct, any, not, all] })).toBe(
      'does not match: any (BodyPartExamined equals CHEST, found missing; BodyPartExamined equals CHEST, found HEAD); not (Modality equals CT, found CT); SliceThickness atMost 3, found 5.0',
    );
  });
});

it('a unit of the records is written as people write it', () => {
  expect(['1', 'HU', 'STORED', 'GREY', 'PERMILLE'].map(unitSays)).toEqual([
    '',
    'HU',
    'stored values',
    'grey levels',
    '‰ of the 99.5th percentile',
  ]);
});
