// An index of a data set's elements over its bytes (PS3.5 section 7): nothing is copied, nothing is decoded.
import { LimpidError } from '../errors.js';
import { tagText, vrOf } from './dictionary.js';
import { longHeader, unknownVr } from './element.js';
import { inflated, inflatedPrefix } from './inflate.js';
import { transferSyntax } from './uids.js';

/** A fragment of encapsulated pixel data, offset table included. */
export interface Fragment {
  readonly offset: number;
  readonly length: number;
}

/** Where one element lies in the bytes. */
export interface Element {
  readonly tag: number;
  /** Two capital letters; where the syntax is implicit, by the dictionary. */
  readonly vr: string;
  /** Of the element's first byte. */
  readonly offset: number;
  readonly valueOffset: number;
  /** Bytes of the value, delimiters not counted. */
  readonly length: number;
  /** Offset behind the element and its delimiters. */
  readonly end: number;
  readonly undefinedLength: boolean;
  /** Of SQ, and of UN of undefined length. */
  readonly items: readonly DataSet[] | null;
  /** Of encapsulated pixel data; the first is the Basic Offset Table. */
  readonly fragments: readonly Fragment[] | null;
}

export interface Encoding {
  readonly explicit: boolean;
  readonly littleEndian: boolean;
}

/** Elements of a data set or of a sequence's item, in the order of the file. */
export class DataSet {
  readonly bytes: Uint8Array;
  readonly encoding: Encoding;
  /** First byte, and byte behind the last element. */
  readonly offset: number;
  readonly end: number;
  readonly elements: readonly Element[];
  /** Made when it is first asked: an object may have a million items that nobody looks into, and this is most of what one takes. */
  #byTag: ReadonlyMap<number, Element> | null = null;

  constructor(bytes: Uint8Array, encoding: Encoding, offset: number, end: number, elements: readonly Element[]) {
    this.bytes = bytes;
    this.encoding = encoding;
    this.offset = offset;
    this.end = end;
    this.elements = elements;
  }

  /** The element of a tag; of several (forbidden, but seen) the last. */
  get(tag: number): Element | undefined {
    this.#byTag ??= new Map(this.elements.map((element) => [element.tag, element]));
    return this.#byTag.get(tag);
  }

  /** An element's value, over the same memory. */
  value(element: Element): Uint8Array {
    return this.bytes.subarray(element.valueOffset, element.valueOffset + element.length);
  }
}

/** A data set up to a tag. */
export interface Header {
  readonly dataSet: DataSet;
  /** Whether the stop tag (or one behind it) was reached; false where the prefix ended before. */
  readonly complete: boolean;
}

const pixelDataTag = 0x7fe00010;
const pixelRepresentationTag = 0x00280103;
const itemTag = 0xfffee000;
const itemEnd = 0xfffee00d;
const sequenceEnd = 0xfffee0dd;
const undefinedLength = 0xffffffff;

const largestDepth = 64;
/** The index takes some 150 bytes an element: a bound on what a hostile file can make of it. */
const mostElements = 4_000_000;
/** No header is near these bounds; what claims more is an attack, and reading it would hold its reader up. */
const mostHeaderElements = 1_000_000;
export const mostHeaderBytes = 64 * 1024 * 1024;

const implicitEncoding: Encoding = { explicit: false, littleEndian: true };

/**
 * Index of a whole data set (without file meta group). A deflated one is inflated first and indexed there: use `dataSet.bytes`.
 * @throws LimpidError DICOM_MALFORMED where the bytes end inside an element or cannot be walked; DICOM_UNDECODABLE for an unknown syntax
 */
export function readDataSet(bytes: Uint8Array, transferSyntaxUid: string): DataSet {
  const { syntax, deflated } = opened(transferSyntaxUid);
  const body = deflated ? inflated(bytes) : plain(bytes);
  const walker = new Walker(body, mostElements);
  try {
    const { elements, end } = walker.elements(0, body.length, syntax, 0, null);
    return new DataSet(body, syntax, 0, end, elements);
  } catch (error) {
    throw error instanceof CutShort ? new LimpidError('DICOM_MALFORMED', error.message) : error;
  }
}

/**
 * Index of the elements before `stopTag` in the first bytes of a data set. Elements that the prefix cuts are left out.
 * @throws LimpidError as readDataSet, but not for a prefix that ends early: see `complete`
 */
export function readHeader(prefix: Uint8Array, transferSyntaxUid: string, stopTag = pixelDataTag): Header {
  const { syntax, deflated } = opened(transferSyntaxUid);
  const body = deflated ? inflatedPrefix(prefix, mostHeaderBytes) : plain(prefix);
  const { elements, end, stopped } = new Walker(body, mostHeaderElements).elements(0, body.length, syntax, 0, stopTag);
  return { dataSet: new DataSet(body, syntax, 0, end, elements), complete: stopped };
}

/** The same memory as Uint8Array: a Buffer, which files come in, copies nothing where one is asked to. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function opened(uid: string): { syntax: Encoding; deflated: boolean } {
  // A private syntax with pixel data of its own kind still has an Explicit LE data set, but that is a guess: refused.
  const syntax = transferSyntax(uid);
  if (syntax === undefined)
    throw new LimpidError('DICOM_UNDECODABLE', `transfer syntax ${uid.slice(0, 64)} is not known`);
  return { syntax, deflated: syntax.deflated };
}

/** The bytes end inside an element. */
class CutShort extends Error {}

/** What an element holds, and where it ends. */
interface Value {
  readonly length: number;
  readonly end: number;
  readonly items: DataSet[] | null;
  readonly fragments: Fragment[] | null;
}

/** Result of walking one level. */
interface Level {
  readonly elements: Element[];
  readonly end: number;
  readonly stopped: boolean;
}

class Walker {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #most: number;
  #count = 0;
  // Of the element header read last.
  #vr = '';
  #length = 0;
  #valueOffset = 0;
  /** Of the data set or item, known once (0028,0103) is passed: decides between US and SS where VRs are not written. */
  #signed = false;

  constructor(bytes: Uint8Array, most: number) {
    this.#bytes = bytes;
    this.#most = most;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /**
   * Elements from `offset` up to `limit`, or up to an item delimiter where the limit is Infinity (undefined length).
   * `stopTag`: top level of a prefix; there an element that the bytes cut ends the walk without an error.
   */
  elements(offset: number, limit: number, encoding: Encoding, depth: number, stopTag: number | null): Level {
    if (depth > largestDepth) throw malformed(offset, `sequences nest deeper than ${largestDepth}`);
    const elements: Element[] = [];
    let at = offset;
    try {
      while (at < limit) {
        // it made an odd data set even (PS3.8 Annex E.1)
        if (depth === 0 && limit - at === 1 && limit % 2 === 0 && this.#bytes[at] === 0) break;
        const tag = this.#tag(at, encoding.littleEndian);
        if (limit === Infinity && tag === itemEnd) {
          this.#need(at, 8);
          return { elements, end: at + 8, stopped: false };
        }
        if (stopTag !== null && tag >= stopTag) return { elements, end: at, stopped: true };
        const element = this.#element(at, tag, encoding, depth);
        if (element.end > limit) throw malformed(at, `${tagText(tag)} ends behind its item`);
        elements.push(element);
        at = element.end;
      }
    } catch (error) {
      if (stopTag === null || !(error instanceof CutShort)) throw error;
    }
    return { elements, end: at, stopped: false };
  }

  #element(offset: number, tag: number, encoding: Encoding, depth: number): Element {
    if (++this.#count > this.#most) throw malformed(offset, `more than ${this.#most} elements`);
    if (tag >>> 16 === 0xfffe) throw malformed(offset, `item or delimiter ${tagText(tag)} outside a sequence`);
    if (encoding.explicit) this.#explicitHeader(offset, tag, encoding);
    else this.#implicitHeader(offset, tag);
    const vr = this.#vr;
    const length = this.#length;
    const valueOffset = this.#valueOffset;
    const open = length === undefinedLength;
    if (!open) this.#need(valueOffset, length);
    if (tag === pixelRepresentationTag && length === 2) {
      this.#signed = this.#view.getUint16(valueOffset, encoding.littleEndian) === 1;
    }
    if (!open && vr !== 'SQ') {
      const end = valueOffset + length;
      return { tag, vr, offset, valueOffset, length, end, undefinedLength: false, items: null, fragments: null };
    }
    let value: Value;
    if (vr === 'SQ' || (open && vr === 'UN')) {
      // Whoever wrote UN of undefined length had an implicit data set at hand (PS3.5 6.2.2).
      const inner = vr === 'UN' ? implicitEncoding : encoding;
      value = this.#items(valueOffset, open ? Infinity : length, inner, depth);
    } else if (tag === pixelDataTag) {
      value = this.#fragments(valueOffset, encoding.littleEndian);
    } else throw malformed(offset, `${tagText(tag)} of VR ${vr} has undefined length`);
    return { tag, vr, offset, valueOffset, undefinedLength: open, ...value };
  }

  /** Leaves VR, length and offset of the value in the walker: an object for each element would cost more than the rest of the walk. */
  #explicitHeader(offset: number, tag: number, { littleEndian }: Encoding): void {
    this.#need(offset, 8);
    const first = this.#bytes[offset + 4] ?? 0;
    const second = this.#bytes[offset + 5] ?? 0;
    const vr = String.fromCharCode(first, second);
    if ((first < 0x41 || first > 0x5a || second < 0x41 || second > 0x5a) && vr !== unknownVr) {
      throw malformed(offset, `${tagText(tag)} has no VR`);
    }
    const long = longHeader(vr);
    if (long) this.#need(offset, 12);
    this.#vr = vr;
    this.#length = long
      ? this.#view.getUint32(offset + 8, littleEndian)
      : this.#view.getUint16(offset + 6, littleEndian);
    this.#valueOffset = offset + (long ? 12 : 8);
  }

  #implicitHeader(offset: number, tag: number): void {
    this.#need(offset, 8);
    this.#length = this.#view.getUint32(offset + 4, true);
    // Only sequences have undefined length here; a private one can be told by that alone.
    this.#vr = this.#length === undefinedLength ? 'SQ' : this.#dictionaryVr(tag);
    this.#valueOffset = offset + 8;
  }

  #dictionaryVr(tag: number): string {
    const vr = vrOf(tag);
    if (vr === 'xs') return this.#signed ? 'SS' : 'US';
    if (vr === 'ox' || vr === 'lt') return 'OW';
    return vr;
  }

  /** Items of a sequence: of `length` bytes, or (Infinity) up to its delimiter. */
  #items(start: number, length: number, encoding: Encoding, depth: number): Value {
    const items: DataSet[] = [];
    const limit = start + length;
    let at = start;
    while (at < limit) {
      const tag = this.#tag(at, encoding.littleEndian);
      this.#need(at, 8);
      const itemLength = this.#view.getUint32(at + 4, encoding.littleEndian);
      if (limit === Infinity && tag === sequenceEnd) return { items, fragments: null, length: at - start, end: at + 8 };
      if (tag !== itemTag) throw malformed(at, `${tagText(tag)} stands where an item must`);
      if (++this.#count > this.#most) throw malformed(at, `more than ${this.#most} elements`);
      const open = itemLength === undefinedLength;
      if (!open) this.#need(at + 8, itemLength);
      const signed = this.#signed;
      const level = this.elements(at + 8, open ? Infinity : at + 8 + itemLength, encoding, depth + 1, null);
      // An icon's own pixels say nothing of the image's.
      this.#signed = signed;
      items.push(new DataSet(this.#bytes, encoding, at + 8, open ? level.end - 8 : level.end, level.elements));
      at = level.end;
    }
    if (at > limit) throw malformed(start, 'an item ends behind its sequence');
    return { items, fragments: null, length: at - start, end: at };
  }

  #fragments(start: number, littleEndian: boolean): Value {
    const fragments: Fragment[] = [];
    let at = start;
    for (;;) {
      const tag = this.#tag(at, littleEndian);
      this.#need(at, 8);
      const length = this.#view.getUint32(at + 4, littleEndian);
      if (tag === sequenceEnd) return { items: null, fragments, length: at - start, end: at + 8 };
      if (tag !== itemTag) throw malformed(at, `${tagText(tag)} stands where a fragment must`);
      this.#need(at + 8, length);
      if (++this.#count > this.#most) throw malformed(at, `more than ${this.#most} fragments`);
      fragments.push({ offset: at + 8, length });
      at += 8 + length;
    }
  }

  #tag(offset: number, littleEndian: boolean): number {
    this.#need(offset, 4);
    return this.#view.getUint16(offset, littleEndian) * 0x10000 + this.#view.getUint16(offset + 2, littleEndian);
  }

  #need(offset: number, length: number): void {
    if (offset + length > this.#bytes.length) {
      throw new CutShort(`data set ends ${offset + length - this.#bytes.length} bytes before an element does`);
    }
  }
}

function malformed(offset: number, what: string): LimpidError {
  return new LimpidError('DICOM_MALFORMED', `at byte ${offset}: ${what}`);
}
