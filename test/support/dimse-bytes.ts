// PDUs, commands and small data sets for tests, right unless a test spoils them.
import {
  type AssociateRequest,
  type ProposedContext,
  encodeAssociateRequest,
} from '../../src/io/dimse/associate-pdu.js';
import { type Command, encodeCommand } from '../../src/io/dimse/command.js';
import { requestFor } from '../../src/io/dimse/negotiate.js';
import { controlByte, encodePdu } from '../../src/io/dimse/pdu.js';

export const ctClass = '1.2.840.10008.5.1.4.1.1.2';
export const mrClass = '1.2.840.10008.5.1.4.1.1.4';
export const verification = '1.2.840.10008.1.1';
export const explicitLittle = '1.2.840.10008.1.2.1';
export const implicitLittle = '1.2.840.10008.1.2';

export const context = (
  id: number,
  abstractSyntaxUid = ctClass,
  transferSyntaxUids: readonly string[] = [explicitLittle],
): ProposedContext => ({ id, abstractSyntaxUid, transferSyntaxUids });

export const usualContexts = [context(1), context(3, verification, [implicitLittle])];

/** A-ASSOCIATE-RQ: CT in context 1, Verification in 3, to LIMPID. */
export function associateRequest(changes: Partial<AssociateRequest> = {}): Buffer {
  const request = requestFor({ calledAe: 'LIMPID', callingAe: 'RAW' }, usualContexts, 131_072);
  return encodeAssociateRequest({ ...request, ...changes });
}

/** A sub-item of the user information (PS3.7 Annex D.3.3): type, reserved, length, value. */
export function userItem(type: number, value: Uint8Array): Buffer {
  const header = Buffer.from([type, 0, 0, 0]);
  header.writeUInt16BE(value.length, 2);
  return Buffer.concat([header, value]);
}

/** A-ASSOCIATE-RQ with sub-items appended to the user information, which is its last item. */
export function withUserItems(request: Buffer, ...items: readonly Buffer[]): Buffer {
  const user = request.indexOf(Buffer.from([0x50, 0]), 74);
  const whole = Buffer.concat([request, ...items]);
  whole.writeUInt16BE(whole.length - user - 4, user + 2);
  whole.writeUInt32BE(whole.length - 6, 2);
  return whole;
}

/** One PDV: length, context, control byte, value. */
export function pdv(contextId: number, control: number, value: Uint8Array): Buffer {
  const header = Buffer.alloc(6);
  header.writeUInt32BE(value.length + 2);
  header[4] = contextId;
  header[5] = control;
  return Buffer.concat([header, value]);
}

/** P-DATA-TF of some PDVs. */
export const data = (...pdvs: readonly Uint8Array[]) => encodePdu(4, Buffer.concat(pdvs));
export const commandPdu = (contextId: number, command: Uint8Array) =>
  data(pdv(contextId, controlByte('command', true), command));
export const dataPdu = (contextId: number, value: Uint8Array, isLast = true) =>
  data(pdv(contextId, controlByte('data', isLast), value));

/** A data set as P-DATA-TFs of `size` bytes each. */
export function fragments(contextId: number, bytes: Uint8Array, size: number): Buffer {
  const pdus: Buffer[] = [];
  for (let offset = 0; offset < bytes.length; offset += size) {
    pdus.push(dataPdu(contextId, bytes.subarray(offset, offset + size), offset + size >= bytes.length));
  }
  return Buffer.concat(pdus);
}

export const echoRequest = (messageId = 1) =>
  encodeCommand({ field: 0x30, messageId, hasDataSet: false, affectedSopClassUid: verification });

export const storeRequest = (sopInstanceUid: string, changes: Partial<Command> = {}) =>
  encodeCommand({
    field: 1,
    messageId: 1,
    priority: 0,
    hasDataSet: true,
    affectedSopClassUid: ctClass,
    affectedSopInstanceUid: sopInstanceUid,
    ...changes,
  });

const longVrs = new Set(['OB', 'OW', 'SQ', 'UN']);

/** An element in Explicit VR Little Endian; an odd value is padded. */
export function element(group: number, number: number, vr: string, value: string | Uint8Array): Buffer {
  let bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : Buffer.from(value);
  if (bytes.length % 2 === 1) bytes = Buffer.concat([bytes, Buffer.from(vr === 'UI' ? '\0' : ' ')]);
  const header = Buffer.alloc(longVrs.has(vr) ? 12 : 8);
  header.writeUInt16LE(group, 0);
  header.writeUInt16LE(number, 2);
  header.write(vr, 4, 'latin1');
  if (longVrs.has(vr)) header.writeUInt32LE(bytes.length, 8);
  else header.writeUInt16LE(bytes.length, 6);
  return Buffer.concat([header, bytes]);
}

export interface DataSetValues {
  readonly sopInstanceUid: string;
  readonly sopClassUid?: string;
  readonly studyInstanceUid?: string;
  readonly seriesInstanceUid?: string;
  /** Bytes of Pixel Data; even. */
  readonly pixelBytes?: number;
}

/** A data set in Explicit VR Little Endian with pixels that tell each offset from its neighbours. An empty UID is left out. */
export function dataSet(values: DataSetValues): Buffer {
  const { sopInstanceUid, sopClassUid = ctClass, studyInstanceUid = '1.2.3.4', seriesInstanceUid = '1.2.3.5' } = values;
  const pixels = Buffer.alloc(values.pixelBytes ?? 40_000);
  for (let index = 0; index < pixels.length; index++) pixels[index] = (index * 31 + (index >> 8)) & 255;
  const uid = (group: number, number: number, value: string) =>
    value === '' ? Buffer.alloc(0) : element(group, number, 'UI', value);
  return Buffer.concat([
    uid(0x0008, 0x0016, sopClassUid),
    uid(0x0008, 0x0018, sopInstanceUid),
    element(0x0008, 0x0060, 'CS', 'CT'),
    element(0x0010, 0x0020, 'LO', 'RAW'),
    uid(0x0020, 0x000d, studyInstanceUid),
    uid(0x0020, 0x000e, seriesInstanceUid),
    element(0x7fe0, 0x0010, 'OW', pixels),
  ]);
}
