/**
 * Walks a data set while its bytes pass: takes the identity from the top level and proves that the element structure is whole.
 * Values are skipped by their length, never kept; sequences are walked, whether their length is defined or not: an item, or an
 * element in it, that is longer than what holds it is a fault. Implicit and Explicit VR, both byte orders (PS3.5 Section 7).
 */
import { vrOf } from '../../dicom/dictionary.js';
import { longHeader, unknownVr } from '../../dicom/element.js';
import { stripEnd } from '../../dicom/strip.js';
import { TransferSyntax } from './constants.js';

export interface Identity {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly modality: string;
}

/** What assembling a series needs, as it is written in the data set; absent where that has it not at its top level. */
export interface AssemblyTexts {
  readonly acquisitionNumber: string;
  readonly sliceThickness: string;
  readonly imagePositionPatient: string;
  readonly imageOrientationPatient: string;
  readonly imagesInAcquisition: string;
  readonly numberOfSeriesRelatedInstances: string;
  readonly concatenationUid: string;
}

type WantedKey = keyof Identity | keyof AssemblyTexts;

export const identityTags: ReadonlyMap<number, keyof Identity> = new Map([
  [0x00080016, 'sopClassUid'],
  [0x00080018, 'sopInstanceUid'],
  [0x00080060, 'modality'],
  [0x0020000d, 'studyInstanceUid'],
  [0x0020000e, 'seriesInstanceUid'],
]);
const lastIdentityTag = 0x0020000e;
const wantedTags: ReadonlyMap<number, WantedKey> = new Map<number, WantedKey>([
  ...identityTags,
  [0x00180050, 'sliceThickness'],
  [0x00200012, 'acquisitionNumber'],
  [0x00200032, 'imagePositionPatient'],
  [0x00200037, 'imageOrientationPatient'],
  [0x00201002, 'imagesInAcquisition'],
  [0x00201209, 'numberOfSeriesRelatedInstances'],
  [0x00209161, 'concatenationUid'],
]);

const ItemTag = { Item: 0xfffee000, ItemEnd: 0xfffee00d, SequenceEnd: 0xfffee0dd } as const;
const undefinedLength = 0xffffffff;
const pixelData = 0x7fe00010;
/** VRs that may have an undefined length (PS3.5 Section 7.1.2); OB and OW: encapsulated Pixel Data. */
const openVrs: ReadonlySet<string> = new Set(['SQ', 'UN', 'OB', 'OW']);
/** Longer values of the wanted tags are cut here: they are no UID any more, nor six decimal strings of 16 bytes. */
const keptBytes = 128;

interface Coding {
  readonly vr: 'implicit' | 'explicit';
  readonly order: 'little' | 'big';
}
const implicitLittle: Coding = { vr: 'implicit', order: 'little' };

/** What is open: the data set or an item of it holds elements; a sequence holds items, encapsulated pixel data fragments. */
interface Frame {
  readonly holds: 'elements' | 'items' | 'fragments';
  readonly coding: Coding;
  /** Bytes of the data set before its end; Infinity: a delimiter ends it. */
  readonly end: number;
}

export function codingOf(transferSyntaxUid: string): Coding {
  if (transferSyntaxUid === TransferSyntax.ImplicitLittleEndian) return implicitLittle;
  return { vr: 'explicit', order: transferSyntaxUid === TransferSyntax.ExplicitBigEndian ? 'big' : 'little' };
}

const tagText = (tag: number) =>
  `(${(tag >>> 16).toString(16).padStart(4, '0')},${(tag & 0xffff).toString(16).padStart(4, '0')})`;

export class DataSetWalker {
  readonly #nesting: number;
  readonly #frames: Frame[];
  readonly #header = Buffer.alloc(12);
  #headerFill = 0;
  /** Bytes of a value that are still to be skipped. */
  #skip = 0;
  #kept: { readonly key: WantedKey; readonly bytes: Buffer; fill: number } | null = null;
  #found: Partial<Record<WantedKey, string>> = {};
  #fault: string | null = null;
  #lastTag = -1;
  #elements = 0;
  #outOfOrder = 0;
  /** Bytes that have been pushed, and those of them before the element or item that is read next. */
  #bytes = 0;
  #position = 0;
  /** Where the innermost frame ends. */
  #frameEnd = Infinity;

  /** @param transferSyntaxUid of the bytes as they are pushed: not Deflated */
  constructor(transferSyntaxUid: string, nesting: number) {
    this.#nesting = nesting;
    this.#frames = [{ holds: 'elements', coding: codingOf(transferSyntaxUid), end: Infinity }];
  }

  get bytes(): number {
    return this.#bytes;
  }
  /** Why the bytes so far are no data set, or null. */
  get fault(): string | null {
    return this.#fault;
  }
  /** What has been found; a value that is there may be empty. */
  get found(): Partial<Identity & AssemblyTexts> {
    return this.#found;
  }
  /** Whether no more bytes can change the identity: the walk is behind its last tag. */
  get isIdentityKnown(): boolean {
    return this.#lastTag > lastIdentityTag && this.#kept === null;
  }
  /** Elements of the top level that do not ascend. */
  get outOfOrder(): number {
    return this.#outOfOrder;
  }

  push(chunk: Uint8Array): void {
    const before = this.#bytes;
    this.#bytes += chunk.length;
    let offset = 0;
    while (offset < chunk.length && this.#fault === null) {
      if (this.#skip > 0) offset = this.#skipValue(chunk, offset);
      else {
        if (this.#headerFill === 0 && before + offset >= this.#frameEnd) this.#leave(before + offset);
        offset = this.#readHeader(chunk, offset, before);
      }
    }
  }

  /** Ends the walk: null when the data set is whole, else what is wrong. */
  end(): string | null {
    if (this.#fault !== null) return this.#fault;
    if (this.#elements === 0) return 'empty';
    if (this.#skip > 0) return `cut: a value lacks ${this.#skip} bytes`;
    // One byte that a sender lays behind an odd data set, for a fragment has an even length (PS3.8 Annex E.1), is no element.
    const isPadding = this.#headerFill === 1 && this.#header[0] === 0 && this.#bytes % 2 === 0;
    if (this.#headerFill > 0 && !isPadding) return 'cut in the header of an element';
    this.#leave(this.#bytes);
    if (this.#frames.length > 1) return 'cut: a sequence is not closed';
    return null;
  }

  #skipValue(chunk: Uint8Array, offset: number): number {
    const end = Math.min(chunk.length, offset + this.#skip);
    const kept = this.#kept;
    if (kept) {
      const taken = chunk.subarray(offset, Math.min(end, offset + kept.bytes.length - kept.fill));
      kept.bytes.set(taken, kept.fill);
      kept.fill += taken.length;
    }
    this.#skip -= end - offset;
    if (this.#skip === 0 && kept) this.#keep(kept.key, kept.bytes.toString('latin1', 0, kept.fill));
    return end;
  }

  #keep(key: WantedKey, value: string): void {
    this.#kept = null;
    // of a repeated element (forbidden, but seen) the last counts, as for the reader of the data set
    this.#found[key] = stripEnd(value);
  }

  #enter(holds: Frame['holds'], coding: Coding, end: number): void {
    this.#frames.push({ holds, coding, end });
    this.#frameEnd = end;
  }

  /** Leaves every sequence and item of defined length that ends here. */
  #leave(position: number): void {
    while (this.#frameEnd <= position) this.#close();
  }

  #close(): void {
    this.#frames.pop();
    this.#frameEnd = this.#frames.at(-1)?.end ?? Infinity;
  }

  /** Fills the header: 8 bytes, 12 for a VR with a long length. `before`: bytes of earlier chunks. */
  #readHeader(chunk: Uint8Array, start: number, before: number): number {
    let offset = this.#fill(chunk, start, 8);
    if (this.#headerFill < 8) return offset;
    const frame = this.#frames.at(-1);
    if (frame === undefined) return chunk.length;
    const { coding } = frame;
    const tag = this.#short(0, coding) * 0x10000 + this.#short(2, coding);
    if (tag >>> 16 === 0xfffe) {
      this.#headerFill = 0;
      this.#position = before + offset;
      this.#takeDelimiter(tag, this.#long(4, coding), frame);
      return offset;
    }
    if (frame.holds !== 'elements') return this.#fail(`${tagText(tag)} where an item should be`, chunk);
    if (coding.vr === 'implicit') {
      this.#headerFill = 0;
      this.#position = before + offset;
      this.#takeElement(tag, '', this.#long(4, coding), coding);
      return offset;
    }
    const vr = this.#header.toString('latin1', 4, 6);
    if (!/^[A-Z]{2}$/.test(vr) && vr !== unknownVr) {
      if (frame.end === Infinity) return this.#fail(`no VR at ${tagText(tag)}`, chunk);
      // items that some write in another coding: what their length tells is enough
      this.#headerFill = 0;
      this.#skip = frame.end - before - offset;
      if (this.#skip < 0) this.#fault = `${tagText(tag)} is longer than what holds it`;
      return offset;
    }
    const isLong = longHeader(vr);
    if (isLong) offset = this.#fill(chunk, offset, 12);
    if (isLong && this.#headerFill < 12) return offset;
    this.#headerFill = 0;
    this.#position = before + offset;
    this.#takeElement(tag, vr, isLong ? this.#long(8, coding) : this.#short(6, coding), coding);
    return offset;
  }

  #fill(chunk: Uint8Array, start: number, wanted: number): number {
    let offset = start;
    while (this.#headerFill < wanted && offset < chunk.length) this.#header[this.#headerFill++] = chunk[offset++] ?? 0;
    return offset;
  }

  #short(offset: number, { order }: Coding): number {
    return order === 'big' ? this.#header.readUInt16BE(offset) : this.#header.readUInt16LE(offset);
  }
  #long(offset: number, { order }: Coding): number {
    return order === 'big' ? this.#header.readUInt32BE(offset) : this.#header.readUInt32LE(offset);
  }

  #fail(fault: string, chunk: Uint8Array): number {
    this.#fault = fault;
    return chunk.length;
  }

  /** Whether a value of this length ends before what holds it does; else it is a fault. */
  #fits(tag: number, length: number): boolean {
    const fits = this.#position + (length === undefinedLength ? 0 : length) <= this.#frameEnd;
    if (!fits) this.#fault = `${tagText(tag)} is longer than what holds it`;
    return fits;
  }

  #endOf(length: number): number {
    return length === undefinedLength ? Infinity : this.#position + length;
  }

  #takeDelimiter(tag: number, length: number, { holds, coding, end }: Frame): void {
    if (holds !== 'elements' && tag === ItemTag.Item) {
      if (!this.#fits(tag, length)) return;
      if (holds === 'items') this.#enter('elements', coding, this.#endOf(length));
      else if (length === undefinedLength) this.#fault = 'a fragment of undefined length';
      else this.#skip = length;
      return;
    }
    const closes = holds === 'elements' ? ItemTag.ItemEnd : ItemTag.SequenceEnd;
    if (tag !== closes || this.#frames.length === 1) this.#fault = `${tagText(tag)} out of place`;
    else {
      if (end === Infinity) this.#close(); // else a delimiter that a defined length makes needless
      this.#fits(tag, 0);
    }
  }

  #takeElement(tag: number, vr: string, length: number, coding: Coding): void {
    const isTopLevel = this.#frames.length === 1;
    if (isTopLevel) {
      this.#elements++;
      if (tag <= this.#lastTag) this.#outOfOrder++;
      this.#lastTag = Math.max(tag, this.#lastTag);
    }
    if (!this.#fits(tag, length)) return;
    const isOpen = length === undefinedLength;
    if (isOpen || vr === 'SQ' || (vr === '' && vrOf(tag) === 'SQ')) {
      const holds = vr === 'OB' || vr === 'OW' || tag === pixelData ? 'fragments' : 'items';
      if (isOpen && vr !== '' && !openVrs.has(vr)) this.#fault = `${tagText(tag)} of VR ${vr} has an undefined length`;
      else if (this.#frames.length > 2 * this.#nesting) this.#fault = `sequences nest deeper than ${this.#nesting}`;
      // the items of an UN of undefined length are in Implicit VR Little Endian (PS3.5 Section 6.2.2)
      else this.#enter(holds, vr === 'UN' ? implicitLittle : coding, this.#endOf(length));
      return;
    }
    const key = isTopLevel ? wantedTags.get(tag) : undefined;
    if (key !== undefined && length === 0) this.#keep(key, '');
    else if (key !== undefined) this.#kept = { key, bytes: Buffer.alloc(Math.min(length, keptBytes)), fill: 0 };
    this.#skip = length;
  }
}
