import { describe, expect, it } from '@jest/globals';
import { conditionWords } from '../../src/inference/condition-words.js';

describe('conditions in words', () => {
  it.each([
    [{ not: { ImageType: { in: ['VMI', 'MAT_VALUE_BASED'] } } }, 'not (ImageType is one of VMI, MAT_VALUE_BASED)'],
    [{ Modality: 'CT' }, 'Modality is CT'],
    [{ not: { Modality: 'CT', KVP: 80 } }, 'not ((Modality is CT) and (KVP is 80))'],
    [
      { Modality: 'CT', KVP: { atLeast: 80, below: 140 } },
      '(Modality is CT) and ((KVP is at least 80) and (KVP is below 140))',
    ],
    [
      { any: [{ BodyPartExamined: { exists: false } }, { BodyPartExamined: { glob: '*HEAD*' } }] },
      '(BodyPartExamined is absent) or (BodyPartExamined looks like *HEAD*)',
    ],
    [{ anyInstance: { GantryDetectorTilt: { above: 0 } } }, 'of any instance (GantryDetectorTilt is above 0)'],
  ])('%j: %s', (condition, words) => {
    expect(conditionWords(condition)).toBe(words);
  });
});
