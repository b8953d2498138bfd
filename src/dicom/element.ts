// Writing single elements in Explicit VR Little Endian (PS3.5 section 7.1).
import { LimpidError } from '../errors.js';
import { tagText } from './dictionary.js';

/** Written by some for an element whose VR they do not know, with a length of 16 bits. */
export const unknownVr = '??';
/**
 * VRs whose explicit header has a length of 16 bits (PS3.5 Table 7.1-2). All others, those too that a later edition may bring, have two
 * reserved bytes and a length of 32 bits (Table 7.1-1).
 */
const shortHeaders = new Set([
  ...'AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US'.split(' '),
  unknownVr,
]);

/** Whether an explicit element of this VR has the 12-byte header. */
export function longHeader(vr: string): boolean {
  return !shortHeaders.has(vr);
}

/**
 * The header of an element with a value of `length` bytes (0xFFFFFFFF: undefined length).
 * @throws LimpidError INTERNAL for a value longer than its VR can say
 */
export function header(tag: number, vr: string, length: number): Uint8Array {
  const long = longHeader(vr);
  const bytes = new Uint8Array(long ? 12 : 8);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, tag >>> 16, true);
  view.setUint16(2, tag & 0xffff, true);
  bytes[4] = vr.charCodeAt(0);
  bytes[5] = vr.charCodeAt(1);
  if (length > (long ? 0xffffffff : 0xffff)) {
    throw new LimpidError('INTERNAL', `${tagText(tag)}: ${length} bytes do not fit an element of VR ${vr}`);
  }
  if (long) view.setUint32(8, length, true);
  else view.setUint16(6, length, true);
  return bytes;
}

/** Item or delimiter (FFFE,E0xx): tag and length. */
export function itemHeader(tag: number, length: number): Uint8Array {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, tag >>> 16, true);
  view.setUint16(2, tag & 0xffff, true);
  view.setUint32(4, length, true);
  return bytes;
}

/** Numbers by VR, one or several, text of ASCII, or bytes as they are. */
export type Value = string | number | readonly number[] | Uint8Array;

/** One element. Text must be ASCII; UI, OB and UN are padded with NUL, other text with a space. */
export function encodeElement(tag: number, vr: string, value: Value): Uint8Array {
  const bytes = bytesOf(tag, vr, value);
  const padded = bytes.length + (bytes.length & 1);
  const start = header(tag, vr, padded);
  const out = new Uint8Array(start.length + padded);
  out.set(start);
  out.set(bytes, start.length);
  if (padded > bytes.length) out[out.length - 1] = vr === 'UI' || vr === 'OB' || vr === 'UN' ? 0 : 0x20;
  return out;
}

/** A sequence of items, each given as its elements in order of tags; lengths are explicit. */
export function encodeSequence(tag: number, items: readonly (readonly Uint8Array[])[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const elements of items) {
    parts.push(itemHeader(0xfffee000, lengthOf(elements)));
    // One by one: an item may have more elements than a call takes arguments.
    for (const element of elements) parts.push(element);
  }
  return joined([header(tag, 'SQ', lengthOf(parts)), ...parts]);
}

/** Bytes of all parts together. */
export function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/** The parts one behind the other, copied once. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(lengthOf(parts));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

function bytesOf(tag: number, vr: string, value: Value): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return ascii(tag, value);
  return typeof value === 'number' ? number(tag, vr, value) : joined(value.map((one) => number(tag, vr, one)));
}

/** ASCII text as bytes. */
function ascii(tag: number, text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    // limpid's own text is ASCII only: it then holds in every character set.
    if (code > 0x7e) throw new LimpidError('INTERNAL', `${tagText(tag)}: text that limpid writes must be ASCII`);
    bytes[index] = code;
  }
  return bytes;
}

function number(tag: number, vr: string, value: number): Uint8Array {
  const bytes = new Uint8Array(vr === 'FD' ? 8 : vr === 'US' || vr === 'SS' ? 2 : 4);
  const view = new DataView(bytes.buffer);
  if (vr === 'US') view.setUint16(0, value, true);
  else if (vr === 'SS') view.setInt16(0, value, true);
  else if (vr === 'UL') view.setUint32(0, value, true);
  else if (vr === 'SL') view.setInt32(0, value, true);
  else if (vr === 'FL') view.setFloat32(0, value, true);
  else if (vr === 'FD') view.setFloat64(0, value, true);
  else throw new LimpidError('INTERNAL', `${tagText(tag)}: VR ${vr} holds no single number`);
  return bytes;
}
