// A-ASSOCIATE-RQ and -AC (PS3.8 Sections 9.3.2, 9.3.3; user information: PS3.7 Annex D.3.3), both ways.
import { stripEnd } from '../../dicom/strip.js';
import { ProtocolFault, PduType, encodePdu, headerLength, invalidPdu } from './pdu.js';

/** The only application context (PS3.7 Annex A.2.1). */
export const applicationContext = '1.2.840.10008.3.1.1.1';

export interface ProposedContext {
  readonly id: number;
  readonly abstractSyntaxUid: string;
  readonly transferSyntaxUids: readonly string[];
}

/** 0 acceptance, 1 user-rejection, 2 no-reason, 3 abstract-syntax-not-supported, 4 transfer-syntaxes-not-supported (PS3.8 Table 9-18). */
export interface AnsweredContext {
  readonly id: number;
  readonly result: number;
  /** Means something only with result 0. */
  readonly transferSyntaxUid: string;
}

export interface RoleSelection {
  readonly sopClassUid: string;
  readonly scu: number;
  readonly scp: number;
}

/** SOP Class Extended Negotiation (PS3.7 Annex D.3.3.5). */
export interface ExtendedNegotiation {
  readonly sopClassUid: string;
  readonly information: Uint8Array;
}

/** SOP Class Common Extended Negotiation (PS3.7 Annex D.3.3.6): which service a class is of, told to nodes that may not know it. */
export interface CommonExtendedNegotiation {
  readonly sopClassUid: string;
  readonly serviceClassUid: string;
}

/** User Identity (PS3.7 Annex D.3.3.7): 1 name, 2 name and passcode, 3 Kerberos, 4 SAML, 5 JWT. */
export interface UserIdentity {
  readonly type: number;
  readonly positiveResponse: boolean;
  readonly primary: Uint8Array;
  readonly secondary: Uint8Array;
}

interface Associate {
  /** A bit field; bit 0 is version 1. */
  readonly protocolVersion: number;
  readonly calledAe: string;
  readonly callingAe: string;
  readonly applicationContext: string;
  /** Longest P-DATA-TF that the sender of this PDU receives; 0: no limit. */
  readonly maximumLength: number;
  readonly implementationClassUid: string;
  readonly implementationVersionName: string;
  readonly asyncWindow: { readonly invoked: number; readonly performed: number } | null;
  readonly roles: readonly RoleSelection[];
  readonly extended: readonly ExtendedNegotiation[];
}
export interface AssociateRequest extends Associate {
  readonly contexts: readonly ProposedContext[];
  /** Has no answer. */
  readonly common: readonly CommonExtendedNegotiation[];
  readonly identity: UserIdentity | null;
}
export interface AssociateAccept extends Associate {
  readonly contexts: readonly AnsweredContext[];
  /** The positive response to a user identity (PS3.7 Annex D.3.3.7.2): it was asked for, and the identity was checked. */
  readonly identityAnswered: boolean;
}

const Item = {
  ApplicationContext: 0x10,
  ProposedContext: 0x20,
  AnsweredContext: 0x21,
  AbstractSyntax: 0x30,
  TransferSyntax: 0x40,
  UserInformation: 0x50,
  MaximumLength: 0x51,
  ImplementationClass: 0x52,
  AsyncWindow: 0x53,
  RoleSelection: 0x54,
  ImplementationVersion: 0x55,
  Extended: 0x56,
  CommonExtended: 0x57,
  UserIdentity: 0x58,
  UserIdentityAnswer: 0x59,
} as const;

/** Protocol version, reserved, both AE titles, 32 reserved bytes. */
const fixedLength = 68;
const itemHeader = 4;

const text = (bytes: Buffer) => bytes.toString('latin1');
/** UIDs come padded with NUL or blanks. */
const uidText = (bytes: Buffer) => stripEnd(text(bytes));
/** Ends at a NUL: who copies it out of a field of C may leave anything behind. */
const aeText = (bytes: Buffer) => (text(bytes).split('\0', 1)[0] ?? '').replace(/^ +| +$/g, '');

function* readItems(bytes: Buffer): Generator<[type: number, value: Buffer]> {
  for (let offset = 0; offset < bytes.length;) {
    if (bytes.length - offset < itemHeader) throw invalidPdu('an item is cut');
    const type = bytes.readUInt8(offset);
    const end = offset + itemHeader + bytes.readUInt16BE(offset + 2);
    if (end > bytes.length) throw invalidPdu(`item 0x${type.toString(16)} is longer than what holds it`);
    yield [type, bytes.subarray(offset + itemHeader, end)];
    offset = end;
  }
}

function readContextId(value: Buffer, seen: Set<number>): number {
  if (value.length < 4) throw invalidPdu('a presentation context item is cut');
  const id = value.readUInt8(0);
  if (id % 2 === 0 || seen.has(id)) throw invalidPdu(`presentation context ID ${id}`);
  seen.add(id);
  return id;
}

function readProposed(value: Buffer, seen: Set<number>, syntaxesOfContext: number): ProposedContext {
  const id = readContextId(value, seen);
  let abstractSyntaxUid = '';
  const transferSyntaxUids: string[] = [];
  for (const [type, item] of readItems(value.subarray(4))) {
    if (type === Item.AbstractSyntax) abstractSyntaxUid = uidText(item);
    else if (type === Item.TransferSyntax && transferSyntaxUids.length < syntaxesOfContext) {
      transferSyntaxUids.push(uidText(item));
    }
  }
  if (abstractSyntaxUid === '' || transferSyntaxUids.length === 0) {
    throw invalidPdu(`presentation context ${id} lacks a syntax`);
  }
  return { id, abstractSyntaxUid, transferSyntaxUids };
}

function readAnswered(value: Buffer, seen: Set<number>): AnsweredContext {
  const id = readContextId(value, seen);
  let transferSyntaxUid = '';
  for (const [type, item] of readItems(value.subarray(4))) {
    if (type === Item.TransferSyntax) transferSyntaxUid = uidText(item);
  }
  return { id, result: value.readUInt8(2), transferSyntaxUid };
}

/** The length of this item is fixed (PS3.8 Annex D.1.1). To read another as no limit would have peers sent PDUs that they cannot take. */
function readMaximumLength(item: Buffer): number {
  if (item.length !== 4) throw invalidPdu(`a maximum length sub-item of ${item.length} bytes`);
  return item.readUInt32BE(0);
}

/** A value behind a two-byte length, and where it ends. */
function readCounted(bytes: Buffer, offset: number): [value: Buffer, end: number] {
  const end = offset + 2 <= bytes.length ? offset + 2 + bytes.readUInt16BE(offset) : Infinity;
  if (end > bytes.length) throw invalidPdu('a user information sub-item is cut');
  return [bytes.subarray(offset + 2, end), end];
}

function readRole(value: Buffer): RoleSelection {
  const [uid, end] = readCounted(value, 0);
  if (value.length < end + 2) throw invalidPdu('a role selection sub-item is cut');
  return { sopClassUid: uidText(uid), scu: value.readUInt8(end), scp: value.readUInt8(end + 1) };
}

function readExtended(value: Buffer): ExtendedNegotiation {
  const [uid, end] = readCounted(value, 0);
  return { sopClassUid: uidText(uid), information: value.subarray(end) };
}

/** What is told, without the related general classes; nothing of an item that is cut: it asks for no answer, and limpid can do without it. */
function readCommon(value: Buffer): CommonExtendedNegotiation[] {
  try {
    const [sopClass, end] = readCounted(value, 0);
    const [serviceClass] = readCounted(value, end);
    return [{ sopClassUid: uidText(sopClass), serviceClassUid: uidText(serviceClass) }];
  } catch (error) {
    if (!(error instanceof ProtocolFault)) throw error;
    return [];
  }
}

function readIdentity(value: Buffer): UserIdentity {
  const [primary, end] = readCounted(value, 2);
  const [secondary] = readCounted(value, end);
  return { type: value.readUInt8(0), positiveResponse: value.readUInt8(1) === 1, primary, secondary };
}

interface UserInformation extends Pick<Associate, 'asyncWindow'> {
  maximumLength: number;
  implementationClassUid: string;
  implementationVersionName: string;
  asyncWindow: Associate['asyncWindow'];
  roles: RoleSelection[];
  extended: ExtendedNegotiation[];
  common: CommonExtendedNegotiation[];
  identity: UserIdentity | null;
  identityAnswered: boolean;
}

function readUserInformation(value: Buffer): UserInformation {
  const information: UserInformation = {
    maximumLength: 0,
    implementationClassUid: '',
    implementationVersionName: '',
    asyncWindow: null,
    roles: [],
    extended: [],
    common: [],
    identity: null,
    identityAnswered: false,
  };
  for (const [type, item] of readItems(value)) {
    if (type === Item.MaximumLength) information.maximumLength = readMaximumLength(item);
    else if (type === Item.ImplementationClass) information.implementationClassUid = uidText(item);
    else if (type === Item.ImplementationVersion) information.implementationVersionName = text(item).trim();
    else if (type === Item.AsyncWindow && item.length === 4) {
      information.asyncWindow = { invoked: item.readUInt16BE(0), performed: item.readUInt16BE(2) };
    } else if (type === Item.RoleSelection) information.roles.push(readRole(item));
    else if (type === Item.Extended) information.extended.push(readExtended(item));
    else if (type === Item.CommonExtended) information.common.push(...readCommon(item));
    else if (type === Item.UserIdentity) information.identity = readIdentity(item);
    else if (type === Item.UserIdentityAnswer) information.identityAnswered = true;
  }
  return information;
}

function readAssociate<C>(body: Buffer, contextItem: number, readContext: (value: Buffer) => C) {
  if (body.length < fixedLength) throw invalidPdu('an A-ASSOCIATE PDU is shorter than its fixed part');
  let applicationContextUid = '';
  let information = readUserInformation(Buffer.alloc(0));
  const contexts: C[] = [];
  for (const [type, value] of readItems(body.subarray(fixedLength))) {
    if (type === Item.ApplicationContext) applicationContextUid = uidText(value);
    else if (type === contextItem) contexts.push(readContext(value));
    else if (type === Item.UserInformation) information = readUserInformation(value);
  }
  return {
    protocolVersion: body.readUInt16BE(0),
    calledAe: aeText(body.subarray(4, 20)),
    callingAe: aeText(body.subarray(20, 36)),
    applicationContext: applicationContextUid,
    contexts,
    ...information,
  };
}

/**
 * @param body behind the PDU's header
 * @param syntaxesOfContext transfer syntaxes beyond so many in one context are passed over
 * @throws ProtocolFault 2/6
 */
export function decodeAssociateRequest(body: Buffer, syntaxesOfContext: number): AssociateRequest {
  const seen = new Set<number>();
  const { identityAnswered: _, ...request } = readAssociate(body, Item.ProposedContext, (value) =>
    readProposed(value, seen, syntaxesOfContext),
  );
  return request;
}

/** @param body behind the PDU's header @throws ProtocolFault 2/6 */
export function decodeAssociateAccept(body: Buffer): AssociateAccept {
  const seen = new Set<number>();
  const {
    identity: _,
    common: _common,
    ...accept
  } = readAssociate(body, Item.AnsweredContext, (value) => readAnswered(value, seen));
  return accept;
}

const bytesOf = (value: string) => Buffer.from(value, 'latin1');
const two = (value: number) => Uint8Array.of(value >>> 8, value & 255);
const counted = (value: Uint8Array) => Buffer.concat([two(value.length), value]);

function encodeItem(type: number, ...values: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(values);
  return Buffer.concat([Uint8Array.of(type, 0), two(value.length), value]);
}

/** Behind the items that requests and answers share: the identity of one, the response to it of the other. */
function encodeUserInformation(associate: Associate, last: readonly Buffer[]): Buffer {
  const { asyncWindow } = associate;
  const maximumLength = Buffer.alloc(4);
  maximumLength.writeUInt32BE(associate.maximumLength);
  return encodeItem(
    Item.UserInformation,
    encodeItem(Item.MaximumLength, maximumLength),
    encodeItem(Item.ImplementationClass, bytesOf(associate.implementationClassUid)),
    ...(asyncWindow ? [encodeItem(Item.AsyncWindow, two(asyncWindow.invoked), two(asyncWindow.performed))] : []),
    ...associate.roles.map(({ sopClassUid, scu, scp }) =>
      encodeItem(Item.RoleSelection, counted(bytesOf(sopClassUid)), Uint8Array.of(scu, scp)),
    ),
    encodeItem(Item.ImplementationVersion, bytesOf(associate.implementationVersionName)),
    ...associate.extended.map(({ sopClassUid, information }) =>
      encodeItem(Item.Extended, counted(bytesOf(sopClassUid)), information),
    ),
    ...last,
  );
}

/** No related general classes are named. */
const encodeCommon = ({ sopClassUid, serviceClassUid }: CommonExtendedNegotiation) =>
  encodeItem(Item.CommonExtended, counted(bytesOf(sopClassUid)), counted(bytesOf(serviceClassUid)), two(0));

const encodeIdentity = ({ type, positiveResponse, primary, secondary }: UserIdentity) =>
  encodeItem(Item.UserIdentity, Uint8Array.of(type, positiveResponse ? 1 : 0), counted(primary), counted(secondary));

function encodeAssociate(type: PduType, associate: Associate, contexts: readonly Buffer[], last: readonly Buffer[]) {
  const fixed = Buffer.alloc(fixedLength);
  fixed.writeUInt16BE(associate.protocolVersion, 0);
  fixed.write(associate.calledAe.padEnd(16), 4, 16, 'latin1');
  fixed.write(associate.callingAe.padEnd(16), 20, 16, 'latin1');
  const applicationItem = encodeItem(Item.ApplicationContext, bytesOf(associate.applicationContext));
  return encodePdu(type, Buffer.concat([fixed, applicationItem, ...contexts, encodeUserInformation(associate, last)]));
}

export function encodeAssociateRequest(request: AssociateRequest): Buffer {
  const contexts = request.contexts.map(({ id, abstractSyntaxUid, transferSyntaxUids }) =>
    encodeItem(
      Item.ProposedContext,
      Uint8Array.of(id, 0, 0, 0),
      encodeItem(Item.AbstractSyntax, bytesOf(abstractSyntaxUid)),
      ...transferSyntaxUids.map((uid) => encodeItem(Item.TransferSyntax, bytesOf(uid))),
    ),
  );
  return encodeAssociate(PduType.AssociateRequest, request, contexts, [
    ...request.common.map(encodeCommon),
    ...(request.identity ? [encodeIdentity(request.identity)] : []),
  ]);
}

/** What an answer repeats as the request had it, for nobody to test: both AE titles and 32 reserved bytes (PS3.8 Table 9-17). */
export const repeatedFields = (requestBody: Buffer) => Buffer.from(requestBody.subarray(4, fixedLength));

/** @param repeated the request's `repeatedFields`; absent: of this value's titles */
export function encodeAssociateAccept(accept: AssociateAccept, repeated?: Uint8Array): Buffer {
  const contexts = accept.contexts.map(({ id, result, transferSyntaxUid }) =>
    encodeItem(
      Item.AnsweredContext,
      Uint8Array.of(id, 0, result, 0),
      encodeItem(Item.TransferSyntax, bytesOf(transferSyntaxUid)),
    ),
  );
  // names and passcodes are answered by a response of no length; only Kerberos has a ticket to give back
  const answer = encodeItem(Item.UserIdentityAnswer, two(0));
  const pdu = encodeAssociate(PduType.AssociateAccept, accept, contexts, accept.identityAnswered ? [answer] : []);
  if (repeated !== undefined) pdu.set(repeated, headerLength + 4);
  return pdu;
}

/** Bytes of a PDU behind its header. */
export const bodyOf = (pdu: Buffer) => pdu.subarray(headerLength);
