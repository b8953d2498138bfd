import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { instanceNameOf, isKey, keyOf } from '../../src/spool/key.js';

/** Plain reference: RFC 4648 base32 over a big integer. */
function base32Reference(text: string): string {
  const value = BigInt(`0x${createHash('sha256').update(text).digest('hex')}`);
  const digits: string[] = [];
  // 256 bits are 51 whole characters and one bit; the first 26 characters are the top 130 bits.
  for (let index = 0; index < 26; index += 1) {
    digits.push('abcdefghijklmnopqrstuvwxyz234567'[Number((value >> BigInt(256 - 5 * (index + 1))) & 31n)] ?? '');
  }
  return digits.join('');
}

describe('key', () => {
  it('is 26 characters of base32 over both UIDs', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (study, series) => {
        const key = keyOf(study, series);
        expect(key).toBe(base32Reference(`${study}\n${series}\n`));
        expect(isKey(key)).toBe(true);
      }),
    );
  });

  it('tells two series of one study apart, and swapped UIDs', () => {
    expect(keyOf('1.2', '1.3')).not.toBe(keyOf('1.2', '1.4'));
    expect(keyOf('1.2', '1.3')).not.toBe(keyOf('1.3', '1.2'));
  });

  it('names instances the same way', () => {
    expect(instanceNameOf('1.2.3')).toBe(base32Reference('1.2.3\n'));
  });

  it.each(['', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', '../../../../etc/passwd00000', 'abcdefghijklmnopqrstuvwxy1'])(
    'refuses %p from outside',
    (text) => expect(isKey(text)).toBe(false),
  );
});
