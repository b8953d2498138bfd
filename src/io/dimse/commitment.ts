// The data sets of Storage Commitment (PS3.4 Annex J.3): what is asked for and what is reported, both ways.
import { readDataSet } from '../../dicom/data-set.js';
import type { DataSet } from '../../dicom/data-set.js';
import { encodeElement, encodeSequence, itemHeader, joined } from '../../dicom/element.js';
import { items, number, text } from '../../dicom/values.js';
import { LimpidError } from '../../errors.js';
import { CommandField, SopClass, TransferSyntax, isReceivableUid, storageCommitmentInstance } from './constants.js';
import type { AssociationInfo, StoreAnswer } from './sink.js';

/** An instance as commitment names it. */
export interface InstanceReference {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
}

/** N-ACTION, action type 1: request storage commitment. */
export interface CommitmentRequest {
  readonly transactionUid: string;
  readonly references: readonly InstanceReference[];
}

/** N-EVENT-REPORT, event type 1 (all are committed) or 2 (some failed). */
export interface CommitmentReport {
  readonly transactionUid: string;
  readonly committed: readonly InstanceReference[];
  /** `reason`: Failure Reason (0008,1197). */
  readonly failed: readonly (InstanceReference & { readonly reason: number })[];
}

/** Sends a report over the association that the request came by. Rejects where that has ended; gives the peer's status. */
export type SendReport = (report: CommitmentReport) => Promise<number>;

/** Storage commitment behind the listener: as SCP it takes requests, as SCU it takes reports. */
export interface CommitmentService {
  /** Which of both this node does for a peer; asked at each negotiation. */
  offers(peer: string): { readonly requests: boolean; readonly reports: boolean };
  /** A peer asks: 0000 only once the transaction is kept. `sendReport` may be called later, while the association is open. */
  requested(association: AssociationInfo, request: CommitmentRequest, sendReport: SendReport): Promise<StoreAnswer>;
  /** A peer reports: 0000 once what it says is kept, also for a transaction that nobody knows. */
  reported(association: AssociationInfo, report: CommitmentReport): Promise<StoreAnswer>;
}

export const actionTypeRequest = 1;
export const eventTypes = { success: 1, failures: 2 } as const;

/** The command of a report. */
export const eventReport = ({ failed }: CommitmentReport) => ({
  field: CommandField.EventReport,
  affectedSopClassUid: SopClass.StorageCommitment,
  affectedSopInstanceUid: storageCommitmentInstance,
  eventTypeId: failed.length > 0 ? eventTypes.failures : eventTypes.success,
});

const tags = {
  referencedSopClassUid: 0x00081150,
  referencedSopInstanceUid: 0x00081155,
  transactionUid: 0x00081195,
  failureReason: 0x00081197,
  failedSopSequence: 0x00081198,
  referencedSopSequence: 0x00081199,
} as const;

/** Elements as one of the two syntaxes has them. Written at once: to convert a report of 30,000 instances held everybody up for a second. */
interface Encoder {
  element(tag: number, vr: 'UI' | 'US', value: string | number): Uint8Array;
  sequence(tag: number, items: readonly (readonly Uint8Array[])[]): Uint8Array;
}

const explicitEncoder: Encoder = { element: encodeElement, sequence: encodeSequence };

/** Bytes of the explicit header of SQ; that of UI and US is as long as an implicit one, which has the form of an item's. */
const sequenceHeader = 12;
const implicitEncoder: Encoder = {
  element: (tag, vr, value) => {
    const element = encodeElement(tag, vr, value);
    const header = itemHeader(tag, 0).length;
    element.set(itemHeader(tag, element.length - header));
    return element;
  },
  sequence: (tag, list) => {
    const value = encodeSequence(tag, list).subarray(sequenceHeader);
    return joined([itemHeader(tag, value.length), value]);
  },
};

const encoderOf = (transferSyntaxUid: string): Encoder =>
  transferSyntaxUid === TransferSyntax.ExplicitLittleEndian ? explicitEncoder : implicitEncoder;

const encodeReference = (to: Encoder, { sopClassUid, sopInstanceUid }: InstanceReference): Uint8Array[] => [
  to.element(tags.referencedSopClassUid, 'UI', sopClassUid),
  to.element(tags.referencedSopInstanceUid, 'UI', sopInstanceUid),
];

/** @param transferSyntaxUid Explicit or Implicit VR Little Endian */
export function encodeCommitmentRequest(request: CommitmentRequest, transferSyntaxUid: string): Uint8Array {
  const to = encoderOf(transferSyntaxUid);
  return joined([
    to.element(tags.transactionUid, 'UI', request.transactionUid),
    to.sequence(
      tags.referencedSopSequence,
      request.references.map((reference) => encodeReference(to, reference)),
    ),
  ]);
}

/** A sequence without items is left out: both are conditional on having one (PS3.4 Table J.3-2). */
export function encodeCommitmentReport(report: CommitmentReport, transferSyntaxUid: string): Uint8Array {
  const { committed, failed } = report;
  const to = encoderOf(transferSyntaxUid);
  const failures = failed.map((reference) => {
    const reason = to.element(tags.failureReason, 'US', reference.reason);
    return [...encodeReference(to, reference), reason];
  });
  const successes = committed.map((reference) => encodeReference(to, reference));
  return joined([
    to.element(tags.transactionUid, 'UI', report.transactionUid),
    ...(failed.length > 0 ? [to.sequence(tags.failedSopSequence, failures)] : []),
    ...(committed.length > 0 ? [to.sequence(tags.referencedSopSequence, successes)] : []),
  ]);
}

/** A UID of a data set. @throws LimpidError DICOM_MALFORMED: absent, or none */
function readUid(dataSet: DataSet, tag: number, what: string): string {
  const uid = text(dataSet, tag) ?? '';
  if (!isReceivableUid(uid)) throw new LimpidError('DICOM_MALFORMED', `${what} is absent or no UID`);
  return uid;
}

function readReference(item: DataSet): InstanceReference {
  return {
    sopClassUid: readUid(item, tags.referencedSopClassUid, 'a Referenced SOP Class UID'),
    sopInstanceUid: readUid(item, tags.referencedSopInstanceUid, 'a Referenced SOP Instance UID'),
  };
}

/** @throws LimpidError DICOM_MALFORMED, DICOM_UNDECODABLE */
export function decodeCommitmentRequest(bytes: Uint8Array, transferSyntaxUid: string): CommitmentRequest {
  const dataSet = readDataSet(bytes, transferSyntaxUid);
  const references = items(dataSet, tags.referencedSopSequence).map(readReference);
  if (references.length === 0) throw new LimpidError('DICOM_MALFORMED', 'no instance is referenced');
  return { transactionUid: readUid(dataSet, tags.transactionUid, 'the Transaction UID'), references };
}

/** Instances that a report names. An item that names none says nothing of any, and must not cost the others their word; their classes are known. */
const named = (dataSet: DataSet, sequence: number) =>
  items(dataSet, sequence).flatMap((item) => {
    const sopInstanceUid = text(item, tags.referencedSopInstanceUid) ?? '';
    const sopClassUid = text(item, tags.referencedSopClassUid) ?? '';
    return isReceivableUid(sopInstanceUid) ? [{ item, reference: { sopClassUid, sopInstanceUid } }] : [];
  });

/** @throws LimpidError DICOM_MALFORMED, DICOM_UNDECODABLE */
export function decodeCommitmentReport(bytes: Uint8Array, transferSyntaxUid: string): CommitmentReport {
  const dataSet = readDataSet(bytes, transferSyntaxUid);
  return {
    transactionUid: readUid(dataSet, tags.transactionUid, 'the Transaction UID'),
    committed: named(dataSet, tags.referencedSopSequence).map(({ reference }) => reference),
    failed: named(dataSet, tags.failedSopSequence).map(({ item, reference }) => ({
      ...reference,
      // Processing failure where a peer gives none: that is asked again.
      reason: number(item, tags.failureReason) ?? 0x0110,
    })),
  };
}
