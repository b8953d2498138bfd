/**
 * Statuses as data: what the C-STORE SCP answers (conformance statement, C-STORE SCP), and what a peer's answer to limpid's
 * C-STORE, or its refusal of an association, means for the delivery (conformance statement, delivery outcomes).
 */
import { Status } from './constants.js';
import type { Rejection } from './pdu.js';
import type { StoreAnswer } from './sink.js';

/** Answers that the DIMSE layer gives by itself. Comments have at most 64 characters and no patient data. */
export const answers = {
  classDiffersFromContext: {
    status: Status.DataSetDoesNotMatch,
    comment: 'SOP class is not that of the presentation context',
    offending: [0x00000002],
  },
  classDiffersFromDataSet: {
    status: Status.DataSetDoesNotMatch,
    comment: 'SOP Class UID of command and data set differ',
    offending: [0x00080016],
  },
  instanceDiffersFromDataSet: {
    status: Status.DataSetDoesNotMatch,
    comment: 'SOP Instance UID of command and data set differ',
    offending: [0x00080018],
  },
  noDataSet: { status: Status.CannotUnderstand, comment: 'no data set' },
  notWhole: { status: Status.CannotUnderstand, comment: 'data set is cut or cannot be walked' },
  invalidInstanceUid: {
    status: Status.InvalidObjectInstance,
    comment: 'Affected SOP Instance UID is no UID',
    offending: [0x00001000],
  },
  classRefused: {
    status: Status.SopClassNotSupported,
    comment: 'this SOP class is not taken from this peer',
    offending: [0x00000002],
  },
  notAuthorized: { status: Status.NotAuthorized, comment: 'this peer may not store here' },
  messageIdInUse: {
    status: Status.DuplicateInvocation,
    comment: 'message ID is that of a request not yet answered',
    offending: [0x00000110],
  },
  tooLong: { status: Status.OutOfResources, comment: 'data set is longer than this node accepts' },
  mistyped: { status: Status.MistypedArgument, comment: 'command set cannot be read to its end' },
  echoWithDataSet: {
    status: Status.MistypedArgument,
    comment: 'C-ECHO has no data set: Command Data Set Type is to be 0101',
    offending: [0x00000800],
  },
  unrecognized: { status: Status.UnrecognizedOperation, comment: 'operation is not supported here' },
  failure: { status: Status.ProcessingFailure, comment: 'processing failure' },
  success: { status: Status.Success },
} as const satisfies Record<string, StoreAnswer>;

export const identityMissing = (tag: number): StoreAnswer => ({
  status: Status.IdentityMissing,
  comment: 'data set lacks an identifying UID',
  offending: [tag],
});
export const identityInvalid = (tag: number): StoreAnswer => ({
  status: Status.IdentityInvalid,
  comment: 'an identifying UID of the data set is no UID',
  offending: [tag],
});

/** What an answer means for one instance. `warned` is delivered, and shown to the operator. */
export type DeliveryClass = 'delivered' | 'warned' | 'transient' | 'permanent';

export interface DeliveryRule {
  readonly class: DeliveryClass;
  /** A transient one is permanent after so many tries; null: never, only the peer's time to give up ends it. */
  readonly tries: number | null;
  /** Whether tries count only while the peer takes other instances: it is this one then, not the peer. */
  readonly counts: 'always' | 'while others pass';
  /** Whether a person should be told at once. */
  readonly alarm: 'none' | 'alarm';
}

const plain = { tries: null, counts: 'always', alarm: 'none' } as const;
const delivered: DeliveryRule = { ...plain, class: 'delivered' };
const warned: DeliveryRule = { ...plain, class: 'warned' };
const transient = (tries: number | null): DeliveryRule => ({ ...plain, class: 'transient', tries });
/** Some answer so to an object they will never take: Orthanc to a missing tag, says its source. */
const outOfResources: DeliveryRule = { ...plain, class: 'transient', tries: 10, counts: 'while others pass' };
const permanent: DeliveryRule = { ...plain, class: 'permanent' };
const alarming: DeliveryRule = { ...permanent, alarm: 'alarm' };

export const singleStatuses: ReadonlyMap<number, DeliveryRule> = new Map([
  [0x0000, delivered],
  [0x0001, warned],
  [0x0106, permanent],
  [0x0107, warned],
  [0x0110, transient(10)],
  [0x0111, delivered], // duplicate SOP instance: UIDs are deterministic, the peer has it
  [0x0112, permanent],
  [0x0116, warned],
  [0x0117, permanent],
  [0x0118, permanent],
  [0x0119, permanent],
  [0x0120, permanent],
  [0x0121, permanent],
  [0x0122, permanent],
  [0x0124, alarming],
  // limpid's own fault: once more, over a new association
  [0x0210, transient(2)],
  [0x0211, transient(2)],
  [0x0212, transient(2)],
  [0x0213, transient(10)],
  // dcm4chee-arc: duplicate rejection note, it has the document
  [0xa770, delivered],
  [0xa77a, transient(null)], // dcm4chee-arc: deletion in progress
]);

/** Ranges, first match. */
export const statusRanges: readonly (readonly [from: number, to: number, rule: DeliveryRule])[] = [
  [0xa771, 0xa77b, alarming], // dcm4chee-arc: rejected, patient missing or conflicting
  [0xa700, 0xa7ff, outOfResources],
  [0xa900, 0xa9ff, alarming],
  [0xb000, 0xbfff, warned],
  [0xc000, 0xcfff, permanent],
  [0xfe00, 0xfeff, transient(null)],
];
/** Any other status: by its first digit a failure, tried three times. */
const otherwise = transient(3);

/** Whether a status says that the peer takes no instance of its SOP class. */
export const refusesClass = (status: number | null | undefined): boolean => status === 0x0118 || status === 0x0122;

/** Whether a status says that the request was carried out, with a warning or without one (PS3.7 Annex C): nobody can say so of half a data set. */
export const claimsWhole = (status: number | undefined): boolean =>
  status !== undefined && ([0x0000, 0x0001, 0x0107, 0x0116].includes(status) || status >>> 12 === 0xb);

/** What the status of a C-STORE response means for the delivery of its instance. */
export function deliveryRule(status: number): DeliveryRule {
  const range = statusRanges.find(([from, to]) => status >= from && status <= to);
  return singleStatuses.get(status) ?? range?.[2] ?? otherwise;
}

/**
 * What a refusal of an association says: the peer is busy (`refused`); it does not know the caller or itself (`unrecognized`: so
 * does a PACS that restarts without its AE table, for a while); or a person has to mend something (`operator`).
 */
export function rejectionKind({ result, source, reason }: Rejection): 'refused' | 'unrecognized' | 'operator' {
  if (result === 2 || source === 3) return 'refused';
  return source === 1 && (reason === 3 || reason === 7) ? 'unrecognized' : 'operator';
}

/** Whether it is worth trying again by itself after this refusal of an association. */
export function rejectionClass(rejection: Rejection): 'transient' | 'permanent' {
  return rejectionKind(rejection) === 'operator' ? 'permanent' : 'transient';
}

const rejectionWords: ReadonlyMap<string, string> = new Map([
  ['1/1', 'no reason given'],
  ['1/2', 'application context not supported'],
  ['1/3', 'calling AE title not recognized'],
  ['1/7', 'called AE title not recognized'],
  ['2/1', 'no reason given'],
  ['2/2', 'protocol version not supported'],
  ['3/1', 'temporary congestion'],
  ['3/2', 'local limit exceeded'],
]);

/** A refusal in words: `rejected 1/1/7 (permanent): called AE title not recognized`. */
export function describeRejection({ result, source, reason }: Rejection): string {
  const words = rejectionWords.get(`${source}/${reason}`) ?? 'unknown reason';
  return `rejected ${result}/${source}/${reason} (${result === 1 ? 'permanent' : 'transient'}): ${words}`;
}
