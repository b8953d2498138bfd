// The DICOM file format (PS3.10 section 7): preamble, DICM, file meta group.
import { LimpidError } from '../errors.js';
import { implementationClassUid, implementationVersionName } from '../version.js';
import { encodeElement, joined, longHeader } from './element.js';
import { stripEnd } from './strip.js';

const preambleLength = 128;
const metaStart = preambleLength + 4;

/** File meta attributes that limpid reads; empty where absent. */
export interface FileMeta {
  readonly mediaStorageSopClassUid: string;
  readonly mediaStorageSopInstanceUid: string;
  readonly transferSyntaxUid: string;
  readonly implementationClassUid: string;
  readonly implementationVersionName: string;
  /** (0002,0016): AE title of the application that wrote the file. */
  readonly sourceAe: string;
  /** (0002,0017) and (0002,0018): calling and called AE title of the association that brought the instance. */
  readonly sendingAe: string;
  readonly receivingAe: string;
  /** (0002,0026): presentation address that the association came from, `dicom:HOST:PORT` (PS3.10 Section 7.1.1.1). */
  readonly sourceAddress: string;
  /** (0002,0100) and (0002,0102). */
  readonly privateCreatorUid: string;
  readonly privateInformation: Uint8Array;
}

export interface Part10 {
  readonly meta: FileMeta;
  readonly transferSyntaxUid: string;
  /** Offset of the data set's first byte. */
  readonly dataSetOffset: number;
}

/**
 * Reads the file meta group by walking it: its group length is often wrong. The UIDs in it may differ from the data set's; take
 * identities from there.
 * @throws LimpidError DICOM_NOT_DICOM without preamble and meta group, DICOM_MALFORMED for one that is cut or has no transfer syntax
 */
export function readPart10(bytes: Uint8Array): Part10 {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // "DICM" stands at offset 128 of other files by chance: it counts only with an element of group 0002 behind it.
  if (
    bytes.length < metaStart + 8 ||
    ascii(bytes, preambleLength, 4) !== 'DICM' ||
    view.getUint16(metaStart, true) !== 2
  ) {
    throw new LimpidError(
      'DICOM_NOT_DICOM',
      bytes.length === 0 ? 'the file is empty' : 'no DICOM file: it has no preamble and no file meta group',
    );
  }
  const values = new Map<number, Uint8Array>();
  let offset = metaStart;
  while (offset + 8 <= bytes.length && view.getUint16(offset, true) === 2) {
    const element = view.getUint16(offset + 2, true);
    if (values.has(element)) break; // some send a meta group within the data set: that is not the file's
    const vr = String.fromCharCode(bytes[offset + 4] ?? 0, bytes[offset + 5] ?? 0);
    if (!/^[A-Z]{2}$/.test(vr))
      throw new LimpidError('DICOM_MALFORMED', `file meta group is not explicit VR at byte ${offset}`);
    const long = longHeader(vr);
    if (long && offset + 12 > bytes.length) break;
    const length = long ? view.getUint32(offset + 8, true) : view.getUint16(offset + 6, true);
    const start = offset + (long ? 12 : 8);
    if (start + length > bytes.length) {
      throw new LimpidError(
        'DICOM_MALFORMED',
        `file meta group ends ${start + length - bytes.length} bytes behind the file`,
      );
    }
    values.set(element, bytes.subarray(start, start + length));
    offset = start + length;
  }
  const text = (element: number): string => {
    const value = values.get(element);
    return value === undefined ? '' : stripEnd(ascii(value, 0, value.length)).trimStart();
  };
  const transferSyntaxUid = text(0x10);
  if (transferSyntaxUid === '') throw new LimpidError('DICOM_MALFORMED', 'file meta group names no transfer syntax');
  const meta: FileMeta = {
    mediaStorageSopClassUid: text(0x02),
    mediaStorageSopInstanceUid: text(0x03),
    transferSyntaxUid,
    implementationClassUid: text(0x12),
    implementationVersionName: text(0x13),
    sourceAe: text(0x16),
    sendingAe: text(0x17),
    receivingAe: text(0x18),
    sourceAddress: text(0x26),
    privateCreatorUid: text(0x0100),
    privateInformation: values.get(0x0102) ?? new Uint8Array(0),
  };
  return { meta, transferSyntaxUid, dataSetOffset: offset };
}

function ascii(bytes: Uint8Array, start: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.min(length, 1024)).toString('latin1');
}

/** What a file meta group of limpid's says; version, implementation and group length are its own. */
export interface FileMetaValues {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
  readonly sourceAe?: string;
  readonly sendingAe?: string;
  readonly receivingAe?: string;
  readonly sourceAddress?: string;
  /** A UID that says what `privateInformation` is; both or none. */
  readonly privateCreatorUid?: string;
  readonly privateInformation?: Uint8Array;
}

/** Elements that many meta groups have, as they are written: one of a received instance differs from the last in two of its twelve. */
const repeated = new Map<string, Uint8Array>();
const repeatedAtMost = 512;

function encodeRepeated(tag: number, vr: string, value: string): Uint8Array {
  const name = `${tag}${vr}${value}`;
  const known = repeated.get(name);
  if (known !== undefined) return known;
  if (repeated.size >= repeatedAtMost) repeated.clear();
  const made = encodeElement(tag, vr, value);
  repeated.set(name, made);
  return made;
}

/** Preamble of zeros, DICM and file meta group, to stand in front of a data set's bytes. */
export function writeFileMeta(values: FileMetaValues): Uint8Array {
  const elements: Uint8Array[] = [
    encodeElement(0x00020001, 'OB', Uint8Array.of(0, 1)),
    encodeRepeated(0x00020002, 'UI', values.sopClassUid),
    encodeElement(0x00020003, 'UI', values.sopInstanceUid),
    encodeRepeated(0x00020010, 'UI', values.transferSyntaxUid),
    encodeRepeated(0x00020012, 'UI', implementationClassUid),
    encodeRepeated(0x00020013, 'SH', implementationVersionName),
  ];
  const optional = (tag: number, vr: string, value: string | undefined): void => {
    if (value !== undefined && value !== '') elements.push(encodeRepeated(tag, vr, value));
  };
  optional(0x00020016, 'AE', values.sourceAe);
  optional(0x00020017, 'AE', values.sendingAe);
  optional(0x00020018, 'AE', values.receivingAe);
  optional(0x00020026, 'UR', values.sourceAddress);
  optional(0x00020100, 'UI', values.privateCreatorUid);
  const { privateCreatorUid, privateInformation } = values;
  if (privateCreatorUid !== undefined && privateInformation !== undefined && privateInformation.length > 0) {
    elements.push(encodeElement(0x00020102, 'OB', privateInformation));
  }
  const length = elements.reduce((sum, element) => sum + element.length, 0);
  const start = new Uint8Array(metaStart);
  start.set([0x44, 0x49, 0x43, 0x4d], preambleLength);
  return joined([start, encodeElement(0x00020000, 'UL', length), ...elements]);
}
