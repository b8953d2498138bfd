// The source's text as bytes: limpid cuts and extends it, but never decodes it (conformance section 4).
import type { DataSet } from '../dicom/data-set.js';
import { joined } from '../dicom/element.js';
import { find } from '../dicom/values.js';

const escape = 0x1b;
const backslash = 0x5c;
const space = 0x20;

/** How many bytes a character takes, by the sets that are known well enough to cut text in them. */
type Characters = 'single' | 'utf-8' | 'gb' | 'escaped' | 'unknown';

const singleByte = /^(ISO_IR (6|13|100|101|109|110|126|127|138|144|148|166|203))?$/;

function charactersOf(sets: readonly string[], value: Uint8Array): Characters {
  const [first = ''] = sets;
  const extended = sets.length > 1 || sets.some((set) => set.startsWith('ISO 2022'));
  if (extended) {
    if (!singleByte.test(first.replace('ISO 2022 IR', 'ISO_IR'))) return 'unknown';
    return value.includes(escape) ? 'escaped' : 'single';
  }
  if (singleByte.test(first)) return value.includes(escape) ? 'unknown' : 'single';
  if (first === 'ISO_IR 192') return 'utf-8';
  if (first === 'GB18030' || first === 'GBK') return 'gb';
  return value.every((byte) => byte < 0x80 && byte !== escape) ? 'single' : 'unknown';
}

/** An element's value without padding at its ends; empty where it is absent. */
export function rawText(ds: DataSet, key: number | string): Uint8Array {
  const element = find(ds, key);
  if (element === undefined) return new Uint8Array(0);
  const value = ds.value(element);
  let end = value.length;
  while (end > 0 && (value[end - 1] === space || value[end - 1] === 0)) end--;
  let start = 0;
  while (start < end && value[start] === space) start++;
  return value.subarray(start, end);
}

/** Bytes of the character that begins at `at`. */
function characterLength(value: Uint8Array, at: number, characters: Characters): number {
  const lead = value[at] ?? 0;
  if (characters === 'single' || lead < 0x80) return 1;
  if (characters === 'gb') {
    const second = value[at + 1] ?? 0;
    return second >= 0x30 && second <= 0x39 ? 4 : 2;
  }
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}

/** Code elements that an escape sequence designates (PS3.5 6.1.2.5.1): which half of the bytes, and how many bytes a character takes. */
const designations: readonly (readonly [sequence: RegExp, half: 'g0' | 'g1', bytes: 1 | 2])[] = [
  [/^\$[@B]/, 'g0', 2],
  [/^\$\(D/, 'g0', 2],
  [/^\([BJ]/, 'g0', 1],
  [/^\$\)[AC]/, 'g1', 2],
  [/^\)I/, 'g1', 1],
  [/^-[ABCDFGHLMTb]/, 'g1', 1],
];

/** Bytes of the escape sequence that ends two-byte characters in G0. */
const closingLength = 3;

/**
 * Bytes of the first `most` characters of a text with code extensions (PS3.5 6.1.2.5); escape sequences are none. It ends behind a
 * character, before an escape sequence that is not known. With `oneValue` it ends before a backslash or control character too, and
 * has, closed, at most `most` bytes.
 */
function escapedLength(value: Uint8Array, most: number, oneValue: boolean): number {
  const bytes = { g0: 1, g1: 1 };
  let end = 0;
  for (let at = 0, count = 0; at < value.length;) {
    const byte = value[at] ?? 0;
    if (oneValue && byte !== escape && (byte < space || (byte === backslash && bytes.g0 === 1))) return end;
    if (byte === escape) {
      const rest = String.fromCharCode(...value.subarray(at + 1, at + 4));
      const found = designations.find(([sequence]) => sequence.test(rest));
      if (found === undefined) return end;
      const [sequence, half, width] = found;
      bytes[half] = width;
      at += 1 + (sequence.exec(rest)?.[0].length ?? 0);
      continue;
    }
    if (count === most) return end;
    // A line begins in the sets that the text begins in (PS3.5 6.1.2.5.3).
    if (byte < space) bytes.g0 = 1;
    at += byte <= space ? 1 : byte < 0x80 ? bytes.g0 : bytes.g1;
    if (at > value.length) return end;
    if (oneValue && at + (bytes.g0 === 1 ? 0 : closingLength) > most) return end;
    count += 1;
    end = at;
  }
  return oneValue && value.length > most ? end : value.length;
}

/**
 * The beginning of a text in the character sets, at most `most` characters, cut between characters; with `oneValue` (LO, SH) only up to a
 * backslash or control character, and at most as many bytes: some readers and dciodvfy count these. Null where the character set is not understood well enough to cut or to extend it.
 */
export function cutText(
  sets: readonly string[],
  value: Uint8Array,
  most: number,
  oneValue: boolean,
): Uint8Array | null {
  const characters = charactersOf(sets, value);
  if (characters === 'unknown') return null;
  if (characters === 'escaped') return value.subarray(0, escapedLength(value, most, oneValue));
  let at = 0;
  for (let count = 0; count < most && at < value.length; count++) {
    const byte = value[at] ?? 0;
    if (oneValue && (byte === backslash || byte < space)) break;
    const length = characterLength(value, at, characters);
    if (at + length > (oneValue ? Math.min(value.length, most) : value.length)) break;
    at += length;
  }
  return value.subarray(0, at);
}

/**
 * Escape sequences that end what a multi-byte one began, so that ASCII behind the text is ASCII, in the set that the text begins in
 * (PS3.5 6.1.2.5.3).
 */
export function closedText(value: Uint8Array, sets: readonly string[]): Uint8Array {
  const last = value.lastIndexOf(escape);
  // ESC $ ... B, @, (D put two-byte characters into G0; ESC ( puts single bytes back; ESC ) and ESC $ ) leave G0 alone.
  const open = last !== -1 && value[last + 1] === 0x24 && value[last + 2] !== 0x29;
  const single = (sets[0] ?? '').endsWith('IR 13') ? 0x4a : 0x42; // JIS X 0201, ASCII
  return open ? joined([value, Uint8Array.of(escape, 0x28, single)]) : value;
}
