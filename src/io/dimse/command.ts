// Command sets (PS3.7 Section 6.3.1, Annex E): Implicit VR Little Endian, group 0000, both ways.
import { stripEnd } from '../../dicom/strip.js';
import { invalidMessage } from './pdu.js';

/** A command set. What is absent in the bytes is absent here. */
export interface Command {
  /** Command Field (0000,0100). */
  readonly field: number;
  /** Whether a data set follows: Command Data Set Type (0000,0800) is not 0101H. */
  readonly hasDataSet: boolean;
  readonly messageId?: number;
  readonly respondedTo?: number;
  readonly priority?: number;
  readonly status?: number;
  readonly affectedSopClassUid?: string;
  readonly requestedSopClassUid?: string;
  readonly affectedSopInstanceUid?: string;
  readonly requestedSopInstanceUid?: string;
  /** Error Comment (0000,0902): at most 64 characters. */
  readonly errorComment?: string;
  /** Offending Element (0000,0901): tags as 32-bit numbers. */
  readonly offendingElements?: readonly number[];
  /** Event Type ID (0000,1002) of N-EVENT-REPORT. */
  readonly eventTypeId?: number;
  /** Action Type ID (0000,1008) of N-ACTION. */
  readonly actionTypeId?: number;
}

type Kind = 'uid' | 'short' | 'text' | 'tags';
type Key = Exclude<keyof Command, 'field' | 'hasDataSet'>;

const fieldElement = 0x0100;
const dataSetTypeElement = 0x0800;
const noDataSet = 0x0101;
const someDataSet = 0x0001;

/** Element number in group 0000, where it goes, its kind; ascending. */
const elements: readonly (readonly [element: number, key: Key, kind: Kind])[] = [
  [0x0002, 'affectedSopClassUid', 'uid'],
  [0x0003, 'requestedSopClassUid', 'uid'],
  [0x0110, 'messageId', 'short'],
  [0x0120, 'respondedTo', 'short'],
  [0x0700, 'priority', 'short'],
  [0x0900, 'status', 'short'],
  [0x0901, 'offendingElements', 'tags'],
  [0x0902, 'errorComment', 'text'],
  [0x1000, 'affectedSopInstanceUid', 'uid'],
  [0x1001, 'requestedSopInstanceUid', 'uid'],
  [0x1002, 'eventTypeId', 'short'],
  [0x1008, 'actionTypeId', 'short'],
];
const byElement = new Map(elements.map(([element, key, kind]) => [element, { key, kind }]));

export interface DecodedCommand {
  readonly command: Command;
  /** The set is wrong behind the elements that were read: to be answered with 0212 (conformance statement, hostile peers). */
  readonly isMistyped: boolean;
}

function readTags(value: Buffer): number[] {
  const tags: number[] = [];
  for (let offset = 0; offset + 4 <= value.length; offset += 4) {
    tags.push(value.readUInt16LE(offset) * 0x10000 + value.readUInt16LE(offset + 2));
  }
  return tags;
}

function readValue(kind: Kind, value: Buffer): string | number | number[] | undefined {
  switch (kind) {
    case 'uid':
      return stripEnd(value.toString('latin1'));
    case 'text':
      return value.toString('latin1').trim();
    case 'short':
      return value.length === 2 ? value.readUInt16LE(0) : undefined;
    case 'tags':
      break;
  }
  return readTags(value);
}

/**
 * Reads a command set. A missing or wrong group length is tolerated.
 *
 * @throws ProtocolFault 0/0: command field, data set type or the message id (of a response: the one responded to) cannot be read
 */
export function decodeCommand(bytes: Buffer): DecodedCommand {
  const values: Record<string, string | number | number[]> = {};
  let isMistyped = false;
  let last = -1;
  for (let offset = 0; offset < bytes.length && !isMistyped;) {
    const isCut = bytes.length - offset < 8;
    const group = isCut ? 0 : bytes.readUInt16LE(offset);
    const element = isCut ? 0 : bytes.readUInt16LE(offset + 2);
    const length = isCut ? 0 : bytes.readUInt32LE(offset + 4);
    offset += 8;
    isMistyped = isCut || group !== 0 || element <= last || length > bytes.length - offset;
    if (isMistyped) break;
    const value = bytes.subarray(offset, offset + length);
    if (element === fieldElement || element === dataSetTypeElement) {
      if (length === 2) values[element === fieldElement ? 'field' : 'dataSetType'] = value.readUInt16LE(0);
    } else {
      const known = byElement.get(element);
      const read = known && readValue(known.kind, value);
      if (known && read !== undefined) values[known.key] = read;
    }
    last = element;
    offset += length;
  }
  const { field, dataSetType, ...rest } = values;
  if (typeof field !== 'number' || typeof dataSetType !== 'number') {
    throw invalidMessage('a command set without command field or data set type');
  }
  const command: Command = { ...rest, field, hasDataSet: dataSetType !== noDataSet };
  return { command, isMistyped };
}

function encodeElement(element: number, value: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16LE(element, 2);
  header.writeUInt32LE(value.length, 4);
  return Buffer.concat([header, value]);
}

function encodeShort(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function encodeText(value: string, padding: string): Buffer {
  return Buffer.from(value.length % 2 === 0 ? value : value + padding, 'latin1');
}

function encodeTags(tags: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * tags.length);
  tags.forEach((tag, index) => {
    bytes.writeUInt16LE(tag >>> 16, 4 * index);
    bytes.writeUInt16LE(tag & 0xffff, 4 * index + 2);
  });
  return bytes;
}

function encodeValue(kind: Kind, value: string | number | readonly number[]): Buffer {
  if (typeof value === 'number') return encodeShort(value);
  if (typeof value === 'string') return encodeText(value, kind === 'uid' ? '\0' : ' ');
  return encodeTags(value);
}

/** Bytes of a command set, group length first, elements ascending. */
export function encodeCommand(command: Command): Buffer {
  const encoded: [element: number, bytes: Buffer][] = [
    [fieldElement, encodeShort(command.field)],
    [dataSetTypeElement, encodeShort(command.hasDataSet ? someDataSet : noDataSet)],
  ];
  for (const [element, key, kind] of elements) {
    const value = command[key];
    if (value !== undefined) encoded.push([element, encodeValue(kind, value)]);
  }
  encoded.sort(([a], [b]) => a - b);
  const body = Buffer.concat(encoded.map(([element, bytes]) => encodeElement(element, bytes)));
  const groupLength = Buffer.alloc(4);
  groupLength.writeUInt32LE(body.length);
  return Buffer.concat([encodeElement(0, groupLength), body]);
}
