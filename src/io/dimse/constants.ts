/**
 * UIDs and codes of DIMSE. Which transfer syntaxes limpid takes, in three kinds, and which abstract syntaxes are Storage.
 * A test holds them against those of dcmjs-dimse: loading that library for them would cost each process 100 ms and 20 MB.
 */
import { transferSyntaxes } from '../../dicom/uids.js';

/** The transfer syntaxes that limpid names. */
export const TransferSyntax = {
  ImplicitLittleEndian: '1.2.840.10008.1.2',
  ExplicitLittleEndian: '1.2.840.10008.1.2.1',
  ExplicitBigEndian: '1.2.840.10008.1.2.2',
  Deflated: '1.2.840.10008.1.2.1.99',
} as const;

/** Uncompressed: the data set can be written anew in another of these without touching a pixel. */
export const nativeSyntaxes: ReadonlySet<string> = new Set([
  TransferSyntax.ImplicitLittleEndian,
  TransferSyntax.ExplicitLittleEndian,
  TransferSyntax.ExplicitBigEndian,
  TransferSyntax.Deflated,
]);

/** What the node can decode: conformance statement, "accepted syntaxes". */
export const decodableSyntaxes: ReadonlySet<string> = new Set([
  ...nativeSyntaxes,
  '1.2.840.10008.1.2.5', // RLE Lossless
  '1.2.840.10008.1.2.4.50', // JPEG Baseline (Process 1)
  '1.2.840.10008.1.2.4.51', // JPEG Extended (Process 2 and 4)
  '1.2.840.10008.1.2.4.57', // JPEG Lossless, Non-Hierarchical (Process 14)
  '1.2.840.10008.1.2.4.70', // JPEG Lossless, first-order prediction
  '1.2.840.10008.1.2.4.80', // JPEG-LS, lossless
  '1.2.840.10008.1.2.4.81', // near-lossless
  '1.2.840.10008.1.2.4.90', // JPEG 2000, lossless
  '1.2.840.10008.1.2.4.91', // lossy or lossless
  '1.2.840.10008.1.2.4.201', // High-Throughput JPEG 2000, lossless
  '1.2.840.10008.1.2.4.202', // lossless, RPCL
  '1.2.840.10008.1.2.4.203', // lossy or lossless
]);

/** Kept and forwarded unchanged, never decoded: video, and frames that are deflated one by one. */
export const keptSyntaxes: ReadonlySet<string> = new Set(
  transferSyntaxes.filter(({ coding }) => coding === 'none').map(({ uid }) => uid),
);

export const SopClass = {
  Verification: '1.2.840.10008.1.1',
  StorageCommitment: '1.2.840.10008.1.20.1',
} as const;

/** The one instance of the Storage Commitment Push Model (PS3.4 Annex J.3.5). */
export const storageCommitmentInstance = '1.2.840.10008.1.20.1.1';

/** The tree of Storage SOP Classes (PS3.4 Annex B.5) ... */
const storageRoot = '1.2.840.10008.5.1.4.1.1.';
/** ... which also holds these query, retrieve and creation services ... */
const notStorage: ReadonlySet<string> = new Set([
  '1.2.840.10008.5.1.4.1.1.200.4', // Protocol Approval Information Model - FIND
  '1.2.840.10008.5.1.4.1.1.200.5', // - MOVE
  '1.2.840.10008.5.1.4.1.1.200.6', // - GET
  '1.2.840.10008.5.1.4.1.1.201.2', // Inventory - FIND
  '1.2.840.10008.5.1.4.1.1.201.3', // - MOVE
  '1.2.840.10008.5.1.4.1.1.201.4', // - GET
  '1.2.840.10008.5.1.4.1.1.201.5', // Inventory Creation
  '1.2.840.10008.5.1.4.1.1.201.6', // Repository Query
]);
/** ... and lacks these two. */
const storageElsewhere: ReadonlySet<string> = new Set([
  '1.2.840.10008.5.1.4.34.7', // RT Beams Delivery Instruction Storage
  '1.2.840.10008.5.1.4.34.10', // RT Brachy Application Setup Delivery Instruction Storage
]);

/** Whether an abstract syntax is a Storage SOP Class, private sub-classes of the standard's tree included. */
export function isStorageClass(uid: string): boolean {
  return (uid.startsWith(storageRoot) && isReceivableUid(uid) && !notStorage.has(uid)) || storageElsewhere.has(uid);
}

/** Service class of storage (PS3.4 Annex B), as callers name it in SOP Class Common Extended Negotiation. */
export const storageServiceClass = '1.2.840.10008.4.2';

/** Whether a class that is none of the standard's tree, a vendor's or one of a later edition, may be taken for storage where somebody says so. */
export function mayBeStorageClass(uid: string): boolean {
  return (
    isReceivableUid(uid) && !notStorage.has(uid) && uid !== SopClass.Verification && uid !== SopClass.StorageCommitment
  );
}

/** A UID by its characters and length (PS3.5 Section 9.1). A leading zero in a component is met in practice and let through. */
export function isReceivableUid(text: string): boolean {
  return text.length <= 64 && /^\d+(?:\.\d+)+$/.test(text);
}

/** Status codes (PS3.7 Annex C, PS3.4 Annex B.2.3) that limpid sends or tells apart. */
export const Status = {
  Success: 0x0000,
  ProcessingFailure: 0x0110,
  DuplicateSopInstance: 0x0111,
  NoSuchObjectInstance: 0x0112,
  NoSuchEventType: 0x0113,
  InvalidArgumentValue: 0x0115,
  InvalidObjectInstance: 0x0117,
  ClassInstanceConflict: 0x0119,
  SopClassNotSupported: 0x0122,
  NoSuchActionType: 0x0123,
  NotAuthorized: 0x0124,
  DuplicateTransactionUid: 0x0131,
  DuplicateInvocation: 0x0210,
  UnrecognizedOperation: 0x0211,
  MistypedArgument: 0x0212,
  ResourceLimitation: 0x0213,
  OutOfResources: 0xa700,
  DataSetDoesNotMatch: 0xa900,
  CannotUnderstand: 0xc000,
  IdentityMissing: 0xc001,
  IdentityInvalid: 0xc002,
} as const;

/** DIMSE command fields (PS3.7 Annex E.1). A response is its request with the highest bit set. */
export const CommandField = {
  Store: 0x0001,
  Echo: 0x0030,
  EventReport: 0x0100,
  Action: 0x0130,
  Cancel: 0x0fff,
  Response: 0x8000,
} as const;
