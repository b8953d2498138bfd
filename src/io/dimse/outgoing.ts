// Instances to be sent: who they are, read from their data sets, and where in the file their bytes are.
import { LimpidError } from '../../errors.js';
import { readPart10 } from '../../dicom/part10.js';
import { closeDescriptor, openThere, readUpTo, statOf } from './descriptor.js';
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

/** @throws LimpidError DICOM_NOT_DICOM, DICOM_MALFORMED */
async function readStart(
  descriptor: number,
): Promise<{ place: DataSetPlace; transferSyntaxUid: string; prefix: Buffer }> {
  const { size } = await statOf(descriptor);
  const prefix = await readUpTo(descriptor, prefixBytes, 0);
  const { dataSetOffset: offset, transferSyntaxUid } = readPart10(prefix);
  if (offset === prefixBytes) throw new LimpidError('DICOM_MALFORMED', 'the file meta group is too long');
  return { place: { offset, bytes: size - offset }, transferSyntaxUid, prefix };
}

/**
 * Where the data set of a Part 10 file lies.
 *
 * @throws LimpidError DICOM_NOT_DICOM, DICOM_MALFORMED
 */
export async function locateDataSet(descriptor: number): Promise<DataSetPlace> {
  return (await readStart(descriptor)).place;
}

/** @param first the data set's first bytes */
async function walkToIdentity(descriptor: number, start: number, first: Buffer, walk: Walk): Promise<void> {
  for (let position = start, chunk = first; position < start + identityBytes && chunk.length > 0;) {
    position += chunk.length;
    walk.push(chunk);
    await walk.drained();
    if (walk.isIdentityKnown || walk.fault !== null) return;
    chunk = await readUpTo(descriptor, chunkBytes, position);
  }
}

/**
 * Reads who an instance is, from its data set: the file meta group may name another UID.
 *
 * @throws LimpidError DICOM_NOT_DICOM, DICOM_MALFORMED: no SOP class or instance UID
 */
export async function readOutgoing(file: string): Promise<Outgoing> {
  const descriptor = await openThere(file);
  try {
    const { place, transferSyntaxUid, prefix } = await readStart(descriptor);
    const walk = openWalk(transferSyntaxUid, defaultLimits);
    await walkToIdentity(descriptor, place.offset, prefix.subarray(place.offset), walk);
    const { sopClassUid = '', sopInstanceUid = '' } = walk.found;
    walk.stop();
    if (sopClassUid === '' || sopInstanceUid === '') {
      throw new LimpidError('DICOM_MALFORMED', `no SOP class and instance UID: ${walk.fault ?? 'absent'}`);
    }
    return { file, sopClassUid, sopInstanceUid, transferSyntaxUid, place };
  } finally {
    await closeDescriptor(descriptor);
  }
}
