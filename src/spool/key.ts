import { createHash } from 'node:crypto';

/** A series in limpid: 26 characters of lower-case base32, from its Study and Series Instance UID. Holds no patient data. */
export type Key = string & { readonly brand: 'Key' };

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

function digest26(text: string): string {
  const hash = createHash('sha256').update(text, 'utf8').digest();
  let bits = 0;
  let value = 0;
  let out = '';
  for (const byte of hash) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5 && out.length < 26) {
      out += alphabet[(value >>> (bits - 5)) & 31];
      bits -= 5;
    }
    value &= (1 << bits) - 1;
  }
  return out;
}

/** The KEY of a series: first 26 characters of base32 (RFC 4648) over SHA-256 of both UIDs, each followed by LF. */
export function keyOf(studyInstanceUid: string, seriesInstanceUid: string): Key {
  return digest26(`${studyInstanceUid}\n${seriesInstanceUid}\n`) as Key;
}

/** The name of an instance in the spool, made the same way from its SOP Instance UID. */
export function instanceNameOf(sopInstanceUid: string): string {
  return digest26(`${sopInstanceUid}\n`);
}

/** Answers whether a text from outside (command line, HTTP) is a KEY. */
export function isKey(text: string): text is Key {
  return /^[a-z2-7]{26}$/.test(text);
}
