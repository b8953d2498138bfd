import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compileExpression, compileGlob } from '../../src/conditions/patterns.js';
import { nearest } from '../../src/conditions/suggest.js';
import { parseDuration, parseSize, parseTimer } from '../../src/config/units.js';
import { processorMs } from '../support/processor-time.js';

describe('durations and sizes', () => {
  it('read what people write', () => {
    expect(['500ms', '60s', '1.5h', '30m', '7d'].map(parseDuration)).toEqual([
      500, 60_000, 5_400_000, 1_800_000, 604_800_000,
    ]);
    expect(['1ms', '24d'].map(parseTimer)).toEqual([1, 24 * 86_400_000]);
    expect(['10B', '512MB', '4GiB', '2TB'].map(parseSize)).toEqual([10, 512e6, 4 * 2 ** 30, 2e12]);
  });
  it('refuse what has no unit, a sign or another unit', () => {
    expect(['60', '-1s', '5 s', '1w', '', 's', '1e3s'].map(parseDuration)).toEqual(Array(7).fill(null));
    expect(['0s', '0.1ms', '24.1d', '60d', '5 s'].map(parseTimer)).toEqual(Array(5).fill(null));
    expect(['4', '4gb', '-1GB', '4 GB', 'GB'].map(parseSize)).toEqual(Array(5).fill(null));
  });
});

describe('suggestions', () => {
  it('find a word with two letters swapped, and none for something else', () => {
    expect(nearest('Modaltiy', ['Modality', 'Manufacturer'])).toBe('Modality');
    expect(nearest('modality', ['Modality', 'Manufacturer'])).toBe('Modality');
    expect(nearest('xyz', ['Modality', 'Manufacturer'])).toBeUndefined();
  });
});

describe('patterns', () => {
  it('a glob without wildcards matches itself only, whatever its characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (glob, text) => {
        const literal = glob.replaceAll(/[*?]/g, '');
        expect(compileGlob(literal).test(literal)).toBe(true);
        expect(compileGlob(literal).test(text)).toBe(text === literal);
        expect(compileGlob(`*${literal}*`).test(`${text}${literal}${text}`)).toBe(true);
      }),
    );
  });
  it('a glob matches the whole text', () => {
    const glob = compileGlob('*T?1*');
    expect(['AX T21 FSE', 'T11', 'T1', 'AX T2/1', 'T\n1'].map((text) => glob.test(text))).toEqual([
      true,
      true,
      false,
      false,
      true,
    ]);
  });
  it('patterns that defeat a backtracking machine answer at once', () => {
    const long = 'a'.repeat(5000);
    const expression = compileExpression('(a+)+$', 'with case');
    const glob = compileGlob(`${'*a'.repeat(30)}b`);
    const start = processorMs();
    expect(typeof expression === 'string' ? null : expression.test(`${long}b`)).toBe(false);
    expect(glob.test(long)).toBe(false);
    expect(processorMs() - start).toBeLessThan(2000);
  });
  it('an expression longer than 512 characters is refused', () => {
    expect(compileExpression('a'.repeat(513), 'with case')).toBe('at most 512 characters, found 513');
  });
});
