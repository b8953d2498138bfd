// Values of elements as JavaScript values (PS3.5 section 6.2).
import { decodeText, fitsCharacterSets } from './charset.js';
import { readDataSet } from './data-set.js';
import type { DataSet, Element } from './data-set.js';
import { decimalOf } from './decimal.js';
import { tagOf, vrOf } from './dictionary.js';
import { LimpidError } from '../errors.js';
import { strip, stripEnd } from './strip.js';
import { implicitLittleEndian } from './uids.js';

const characterSetTag = 0x00080005;
const pixelRepresentationTag = 0x00280103;
/** VRs with one value whatever it holds: a backslash is text in them. */
const singleText = new Set(['ST', 'LT', 'UT', 'UR']);
/** VRs whose text follows Specific Character Set. */
const encodedText = new Set(['LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT']);
const asciiText = new Set(['AE', 'AS', 'CS', 'DA', 'DS', 'DT', 'IS', 'TM', 'UI', 'UR']);

type Key = number | string;

/** The element of a tag or keyword. */
export function find(ds: DataSet, key: Key): Element | undefined {
  const tag = typeof key === 'number' ? key : tagOf(key);
  if (tag === undefined) throw new LimpidError('INTERNAL', `no attribute has the keyword ${key}`);
  return ds.get(tag);
}

/** Whether the element is there with a value: an item, a text that is more than padding, or bytes. */
export function hasValue(ds: DataSet, key: Key): boolean {
  const element = find(ds, key);
  if (element === undefined) return false;
  if (element.items !== null) return element.items.length > 0;
  const values = texts(ds, key);
  return values.length > 0 ? values.some((value) => value !== '') : element.length > 0;
}

/**
 * First value as text, without padding; null where the element is absent or its first value empty. Numbers are written out.
 * `inherited`: the character sets of the enclosing data set, for an item without its own.
 */
export function text(ds: DataSet, key: Key, inherited?: readonly string[]): string | null {
  return textsUpTo(1, ds, key, inherited)[0] || null;
}

/** All values as text, without padding. Empty for absent, empty, bulk and sequence elements. */
export function texts(ds: DataSet, key: Key, inherited?: readonly string[]): string[] {
  return textsUpTo(Infinity, ds, key, inherited);
}

/** An item's own, else those of what it lies in (PS3.3 C.12.1.1.2, PS3.5 7.5.3). */
function characterSetsOf(ds: DataSet, inherited: readonly string[] = []): readonly string[] {
  return ds.get(characterSetTag) === undefined ? inherited : texts(ds, characterSetTag);
}

/** The first values: a hostile text of some MB has a value for each of its bytes. */
function textsUpTo(most: number, ds: DataSet, key: Key, inherited?: readonly string[]): string[] {
  const element = find(ds, key);
  if (element === undefined || element.length === 0) return [];
  const vr = meaning(ds, element);
  const bytes = ds.value(element);
  if (encodedText.has(vr)) {
    return split(vr, decodeText(bytes, characterSetsOf(ds, inherited)), most);
  }
  if (asciiText.has(vr)) return split(vr, decodeText(bytes, []), most);
  return binary(ds, element, vr, most).map((value) => String(value));
}

/** Whether standard text of a data set's top level is not of its Specific Character Set. */
export function hasStrangeText(ds: DataSet): boolean {
  const characterSets = texts(ds, characterSetTag);
  return ds.elements.some(
    (element) =>
      encodedText.has(element.vr) &&
      (element.tag & 0x10000) === 0 &&
      !fitsCharacterSets(ds.value(element), characterSets),
  );
}

function split(vr: string, value: string, most = Infinity): string[] {
  if (singleText.has(vr)) return [stripEnd(value)];
  // Only the padding behind UI is NUL by the standard, but others are seen with it.
  return (most === Infinity ? value.split('\\') : value.split('\\', most)).map(strip);
}

/** All values as numbers; NaN for one that is no number. Empty for absent and empty elements. */
export function numbers(ds: DataSet, key: Key): number[] {
  return numbersUpTo(Infinity, ds, key);
}

function numbersUpTo(most: number, ds: DataSet, key: Key): number[] {
  const element = find(ds, key);
  if (element === undefined || element.length === 0) return [];
  const vr = meaning(ds, element);
  if (vr !== 'DS' && vr !== 'IS') return binary(ds, element, vr, most);
  return textsUpTo(most, ds, key).map(decimalOf);
}

/** Values of a text as it is written in a data set, with its padding. */
export const written = {
  /** Empty where there is none. */
  first: (value: string): string => split('LO', value)[0] ?? '',
  /** Of DS and IS: NaN for one that is no number; none for an empty text. */
  decimals: (value: string): number[] => (value === '' ? [] : split('DS', value).map(decimalOf)),
};

/** First value as a number; null where it is absent, empty, no number or not finite. */
export function number(ds: DataSet, key: Key): number | null {
  const first = numbersUpTo(1, ds, key)[0];
  return first === undefined || !Number.isFinite(first) ? null : first;
}

/**
 * Items of a sequence, of one stored as UN too; empty where absent.
 * @throws LimpidError DICOM_MALFORMED for a sequence in UN that cannot be walked
 */
export function items(ds: DataSet, key: Key): readonly DataSet[] {
  const element = find(ds, key);
  if (element === undefined) return [];
  if (element.items !== null) return element.items;
  if (element.vr !== 'UN' || vrOf(element.tag) !== 'SQ' || element.length === 0) return [];
  return unItems(ds, element);
}

/** Sequences in UN that have been walked: one of 2000 frames is asked for again with each frame. */
const walked = new WeakMap<Element, readonly DataSet[]>();

/** A sequence of known length in UN (PS3.5 6.2.2): implicit little endian, read as if it stood in a data set of its own. */
function unItems(ds: DataSet, element: Element): readonly DataSet[] {
  const known = walked.get(element);
  if (known !== undefined) return known;
  const value = ds.value(element);
  const alone = new Uint8Array(8 + value.length);
  const view = new DataView(alone.buffer);
  view.setUint16(0, element.tag >>> 16, true);
  view.setUint16(2, element.tag & 0xffff, true);
  view.setUint32(4, value.length, true);
  alone.set(value, 8);
  const found = readDataSet(alone, implicitLittleEndian).elements[0]?.items ?? [];
  walked.set(element, found);
  return found;
}

/** The VR that the value has, where UN or a choice hides it. */
function meaning(ds: DataSet, element: Element): string {
  if (element.vr !== 'UN') return element.vr;
  const vr = vrOf(element.tag);
  if (vr !== 'xs') return vr;
  const representation = ds.get(pixelRepresentationTag);
  return representation !== undefined && ds.value(representation)[0] === 1 ? 'SS' : 'US';
}

function binary(ds: DataSet, element: Element, vr: string, most: number): number[] {
  const { bytes } = ds;
  const view = new DataView(bytes.buffer, bytes.byteOffset + element.valueOffset, element.length);
  // UN holds little endian, also in a big endian data set.
  const little = element.vr === 'UN' || ds.encoding.littleEndian;
  const size = { US: 2, SS: 2, AT: 4, UL: 4, SL: 4, FL: 4, FD: 8, UV: 8, SV: 8 }[vr];
  if (size === undefined) return [];
  const read = (at: number): number => {
    if (vr === 'US') return view.getUint16(at, little);
    if (vr === 'SS') return view.getInt16(at, little);
    if (vr === 'AT') return view.getUint16(at, little) * 0x10000 + view.getUint16(at + 2, little);
    if (vr === 'UL') return view.getUint32(at, little);
    if (vr === 'SL') return view.getInt32(at, little);
    if (vr === 'FL') return view.getFloat32(at, little);
    if (vr === 'FD') return view.getFloat64(at, little);
    return Number(vr === 'UV' ? view.getBigUint64(at, little) : view.getBigInt64(at, little));
  };
  return Array.from({ length: Math.min(most, Math.floor(element.length / size)) }, (_, index) => read(index * size));
}
