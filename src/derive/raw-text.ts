// The source's text as bytes: limpid cuts and extends it, but never decodes it (conformance section 4).
import type { DataSet } from '../dicom/data-set.js';
import { find } from '../dicom/values.js';

const escape = 0x1b;
const backslash = 0x5c;
const space = 0x20;

/** How many bytes a character takes, by the sets that are known well enough to cut text in them. */
type Characters = 'single' | 'utf-8' | 'gb' | 'unknown';

const singleByte = /^(ISO_IR (6|13|100|101|109|110|126|127|138|144|148|166|203))?$/;

function charactersOf(sets: readonly string[], value: Uint8Array): Characters {
  const [first = ''] = sets;
  // Code extensions: with escapes the text may stop in a state that limpid's words would be read in.
  const extended = sets.length > 1 || sets.some((set) => set.startsWith('ISO 2022'));
  if (extended)
    return value.includes(escape) || !singleByte.test(first.replace('ISO 2022 IR', 'ISO_IR')) ? 'unknown' : 'single';
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

/** Escape sequences that end what a multi-byte one began, so that ASCII behind the text is ASCII (PS3.5 6.1.2.5.3). */
export function closedText(value: Uint8Array): Uint8Array {
  const last = value.lastIndexOf(escape);
  // ESC $ ... B, @, (D put two-byte characters into G0; ESC ( puts single bytes back; ESC ) and ESC $ ) leave G0 alone.
  const open = last !== -1 && value[last + 1] === 0x24 && value[last + 2] !== 0x29;
  return open ? Uint8Array.of(...value, escape, 0x28, 0x42) : value;
}
