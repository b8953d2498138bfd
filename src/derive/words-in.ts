// Words of a person in the character set of a study, which its document must have (conformance 4): they go to the peers as far as it holds them.
import { joined } from '../dicom/element.js';

const utf8 = new TextEncoder();
const questionMark = 0x3f;

/** Whether the bytes A0 to FF are Latin-1 without an escape sequence before them. */
const isLatin1 = ([first]: readonly string[]): boolean => first === 'ISO_IR 100' || first === 'ISO 2022 IR 100';

/** One letter, or nothing where the set does not hold it. */
function letterIn(characterSets: readonly string[], letter: string): Uint8Array | null {
  const code = letter.codePointAt(0) ?? 0;
  if (code >= 0x20 && code <= 0x7e) return Uint8Array.of(code);
  if (code < 0xa0) return null;
  if (characterSets[0] === 'ISO_IR 192') return utf8.encode(letter);
  return isLatin1(characterSets) && code <= 0xff ? Uint8Array.of(code) : null;
}

/** The nearest that ASCII has: `u` of `ü`, `ss` of `ß`, a space of the end of a line, else a question mark. */
function plain(letter: string): Uint8Array {
  if (/\s/.test(letter)) return Uint8Array.of(0x20);
  const near = letter === 'ß' ? 'ss' : letter.normalize('NFKD').replaceAll(/\p{M}/gu, '');
  return /^[ -~]+$/.test(near) ? utf8.encode(near) : Uint8Array.of(questionMark);
}

/** A text as bytes in the sets of (0008,0005); without one, and in sets that need escape sequences, in ASCII. */
export function wordsIn(characterSets: readonly string[], words: string): Uint8Array {
  return joined(Array.from(words.normalize('NFC'), (letter) => letterIn(characterSets, letter) ?? plain(letter)));
}
