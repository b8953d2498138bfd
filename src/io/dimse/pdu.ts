// The seven PDUs of the upper layer (PS3.8 Section 9.3): types, codes, and the small ones' bytes. A-ASSOCIATE: associate-pdu.ts.
import { LimpidError } from '../../errors.js';

export const PduType = {
  AssociateRequest: 1,
  AssociateAccept: 2,
  AssociateReject: 3,
  Data: 4,
  ReleaseRequest: 5,
  ReleaseResponse: 6,
  Abort: 7,
} as const;
export type PduType = (typeof PduType)[keyof typeof PduType];

export const isPduType = (value: number): value is PduType => value >= 1 && value <= 7;

/** Source of an A-ABORT: the DIMSE user, or the upper layer itself (PS3.8 Table 9-26). */
export const AbortSource = { User: 0, Provider: 2 } as const;
/** Reasons of an A-ABORT by the upper layer (PS3.8 Table 9-26). */
export const AbortReason = { NotSpecified: 0, UnrecognizedPdu: 1, UnexpectedPdu: 2, InvalidParameterValue: 6 } as const;

/** The peer broke the protocol: the association ends with A-ABORT `source`/`reason`. */
export class ProtocolFault extends LimpidError {
  readonly source: number;
  readonly reason: number;
  constructor(source: number, reason: number, message: string) {
    super('DIMSE_PROTOCOL', message);
    this.name = 'ProtocolFault';
    this.source = source;
    this.reason = reason;
  }
}

/** A PDU whose structure is wrong: A-ABORT 2/6. */
export const invalidPdu = (message: string) =>
  new ProtocolFault(AbortSource.Provider, AbortReason.InvalidParameterValue, message);
/** A DIMSE message that is wrong: A-ABORT 0/0. */
export const invalidMessage = (message: string) =>
  new ProtocolFault(AbortSource.User, AbortReason.NotSpecified, message);

/** The triple of an A-ASSOCIATE-RJ (PS3.8 Table 9-21). */
export interface Rejection {
  /** 1 permanent, 2 transient. */
  readonly result: number;
  /** 1 service user, 2 service provider (ACSE), 3 service provider (presentation). */
  readonly source: number;
  readonly reason: number;
}

export interface AbortCodes {
  readonly source: number;
  readonly reason: number;
}

/** Length of a PDU's header, and of a PDV's. */
export const headerLength = 6;

/** A whole PDU: type, reserved byte, length (big endian), body. */
export function encodePdu(type: PduType, body: Uint8Array): Buffer {
  const pdu = Buffer.allocUnsafe(headerLength + body.length);
  pdu[0] = type;
  pdu[1] = 0;
  pdu.writeUInt32BE(body.length, 2);
  pdu.set(body, headerLength);
  return pdu;
}

export const encodeReject = ({ result, source, reason }: Rejection) =>
  encodePdu(PduType.AssociateReject, Uint8Array.of(0, result, source, reason));
export const encodeAbort = ({ source, reason }: AbortCodes) =>
  encodePdu(PduType.Abort, Uint8Array.of(0, 0, source, reason));
export const encodeReleaseRequest = () => encodePdu(PduType.ReleaseRequest, new Uint8Array(4));
export const encodeReleaseResponse = () => encodePdu(PduType.ReleaseResponse, new Uint8Array(4));

/** @param body the four bytes behind the header */
export function decodeReject(body: Uint8Array): Rejection {
  return { result: body[1] ?? 0, source: body[2] ?? 0, reason: body[3] ?? 0 };
}
/** @param body the four bytes behind the header */
export function decodeAbort(body: Uint8Array): AbortCodes {
  return { source: body[2] ?? 0, reason: body[3] ?? 0 };
}

/** Message control header (PS3.8 Annex E.2): bit 0 command, bit 1 last fragment. */
export const controlByte = (kind: 'command' | 'data', isLast: boolean) =>
  (kind === 'command' ? 1 : 0) + (isLast ? 2 : 0);

/** Writes the 12 bytes of a P-DATA-TF header with its only PDV, whose value of `length` bytes follows, at `offset`. */
export function writeDataHeader(
  target: Buffer,
  offset: number,
  pdv: { readonly contextId: number; readonly control: number; readonly length: number },
): void {
  target[offset] = PduType.Data;
  target[offset + 1] = 0;
  target.writeUInt32BE(pdv.length + headerLength, offset + 2);
  target.writeUInt32BE(pdv.length + 2, offset + 6);
  target[offset + 10] = pdv.contextId;
  target[offset + 11] = pdv.control;
}

/** What one PDV may carry when the peer receives PDUs of at most `maximumLength` (0: no limit): even, so that values stay aligned. */
export function valueRoom(maximumLength: number, own: number): number {
  const limit = maximumLength === 0 ? own : Math.min(maximumLength, own);
  return (limit - headerLength) & ~1;
}

/** One or more P-DATA-TF that carry `value` as fragments of at most `room` bytes, one PDV each. */
export function encodeData(contextId: number, kind: 'command' | 'data', value: Uint8Array, room: number): Buffer {
  const count = Math.max(1, Math.ceil(value.length / room));
  const pdus = Buffer.allocUnsafe(value.length + count * 2 * headerLength);
  let offset = 0;
  for (let index = 0; index < count; index++) {
    const fragment = value.subarray(index * room, (index + 1) * room);
    const control = controlByte(kind, index === count - 1);
    writeDataHeader(pdus, offset, { contextId, control, length: fragment.length });
    pdus.set(fragment, offset + 2 * headerLength);
    offset += 2 * headerLength + fragment.length;
  }
  return pdus;
}
