// Instances to be sent: who they are, read from their data sets, and where in the file their bytes are.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { LimpidError } from '../../errors.js';
import { readPart10 } from '../../dicom/part10.js';
import { readUpTo, statOf } from './descriptor.js';
import { defaultLimits } from './limits.js';
import { type Walk, openWalk } from './walk.js';

/** One instance to be sent. */
export interface Outgoing {
  /** A DICOM Part 10 file. */
  readonly file: string;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
  /** Where in the file its data set lies, where that is known already. */
  readonly place?: DataSetPlace;
}

/** Place of a data set in a Part 10 file, in bytes. */
export interface DataSetPlace {
  readonly offset: number;
  readonly bytes: number;
}

/** The first bytes of a file, enough for every file meta group but one with large private information, and mostly for who it is. */
const prefixBytes = 16 * 1024;
/** Behind so many bytes of a data set nobody looks for its identity. */
const identityBytes = 4 * 1024 * 1024;
const chunkBytes = 64 * 1024;
/** Of the first bytes so many are walked at once: mostly the identity is among them, and walking is most of what reading it costs. */
const pieceBytes = 1024;

/** @throws LimpidError DICOM_NOT_DICOM, DICOM_MALFORMED */
function startOf(prefix: Buffer, size: number): { place: DataSetPlace; transferSyntaxUid: string } {
  const { dataSetOffset: offset, transferSyntaxUid } = readPart10(prefix);
  if (offset === prefixBytes) throw new LimpidError('DICOM_MALFORMED', 'the file meta group is too long');
  return { place: { offset, bytes: size - offset }, transferSyntaxUid };
}

/**
 * Where the data set of a Part 10 file lies.
 *
 * @throws LimpidError DICOM_NOT_DICOM, DICOM_MALFORMED
 */
export async function locateDataSet(descriptor: number): Promise<DataSetPlace> {
  const { size } = await statOf(descriptor);
  return startOf(await readUpTo(descriptor, prefixBytes, 0), size).place;
}

function readUpToNow(descriptor: number, length: number, position: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  return buffer.subarray(0, readSync(descriptor, buffer, 0, length, position));
}

/** @param first the data set's first bytes */
async function walkToIdentity(descriptor: number, start: number, first: Buffer, walk: Walk): Promise<void> {
  for (let position = start; position < start + identityBytes;) {
    const at = position - start;
    const chunk =
      at < first.length ? first.subarray(at, at + pieceBytes) : readUpToNow(descriptor, chunkBytes, position);
    if (chunk.length === 0) return;
    position += chunk.length;
    walk.push(chunk);
    await walk.drained();
    if (walk.isIdentityKnown || walk.fault !== null) return;
  }
}

/**
 * Reads who an instance is, from its data set: the file meta group may name another UID. For programs that send and do nothing
 * else: it waits for the disk, which is four times as fast as four ways to the pool.
 *
 * @throws LimpidError DICOM_NOT_DICOM, DICOM_MALFORMED: no SOP class or instance UID; the file system's error
 */
export async function readOutgoing(file: string): Promise<Outgoing> {
  const descriptor = openSync(file, 'r');
  try {
    const prefix = readUpToNow(descriptor, prefixBytes, 0);
    const { place, transferSyntaxUid } = startOf(prefix, fstatSync(descriptor).size);
    const walk = openWalk(transferSyntaxUid, defaultLimits);
    await walkToIdentity(descriptor, place.offset, prefix.subarray(place.offset), walk);
    const { sopClassUid = '', sopInstanceUid = '' } = walk.found;
    walk.stop();
    if (sopClassUid === '' || sopInstanceUid === '') {
      throw new LimpidError('DICOM_MALFORMED', `no SOP class and instance UID: ${walk.fault ?? 'absent'}`);
    }
    return { file, sopClassUid, sopInstanceUid, transferSyntaxUid, place };
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Reads a data set to its end, where its length alone cannot tell whether it was cut.
 *
 * @throws LimpidError DICOM_MALFORMED: it is not whole
 */
export async function checkWhole(descriptor: number, place: DataSetPlace, transferSyntaxUid: string): Promise<void> {
  const walk = openWalk(transferSyntaxUid, defaultLimits);
  const end = place.offset + place.bytes;
  for (let at = place.offset; at < end && walk.fault === null;) {
    const chunk = await readUpTo(descriptor, Math.min(chunkBytes, end - at), at);
    if (chunk.length === 0) break;
    at += chunk.length;
    walk.push(chunk);
    await walk.drained();
  }
  const { fault } = await walk.end();
  if (fault !== null) throw new LimpidError('DICOM_MALFORMED', `the data set is not whole: ${fault}`);
}
