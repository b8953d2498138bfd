// Instances to be sent: who they are, read from their data sets, and where in the file their bytes are.
import { type FileHandle, open } from 'node:fs/promises';
import { LimpidError } from '../../errors.js';
import { readPart10 } from '../../dicom/part10.js';
import { defaultLimits } from './limits.js';
import { type Walk, openWalk } from './walk.js';

/** One instance to be sent. */
export interface Outgoing {
  /** A DICOM Part 10 file. */
  readonly file: string;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
}

/** The first bytes of a file, enough for every file meta group but one with large private information. */
const prefixBytes = 16 * 1024;
/** Behind so many bytes of a data set nobody looks for its identity. */
const identityBytes = 4 * 1024 * 1024;
const chunkBytes = 64 * 1024;

async function readAt(handle: FileHandle, length: number, position: number): Promise<Buffer> {
  const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/**
 * Where the data set of a Part 10 file lies, and in which transfer syntax.
 *
 * @throws LimpidError DICOM_NOT_DICOM, DICOM_MALFORMED
 */
export async function locateDataSet(
  handle: FileHandle,
): Promise<{ offset: number; bytes: number; transferSyntaxUid: string }> {
  const { size } = await handle.stat();
  const { dataSetOffset, transferSyntaxUid } = readPart10(await readAt(handle, prefixBytes, 0));
  if (dataSetOffset === prefixBytes) throw new LimpidError('DICOM_MALFORMED', 'the file meta group is too long');
  return { offset: dataSetOffset, bytes: size - dataSetOffset, transferSyntaxUid };
}

async function walkToIdentity(handle: FileHandle, start: number, walk: Walk): Promise<void> {
  for (let position = start; position < start + identityBytes;) {
    const chunk = await readAt(handle, chunkBytes, position);
    position += chunk.length;
    if (chunk.length === 0) return;
    walk.push(chunk);
    await walk.drained();
    if (walk.isIdentityKnown || walk.fault !== null) return;
  }
}

/**
 * Reads who an instance is, from its data set: the file meta group may name another UID.
 *
 * @throws LimpidError DICOM_NOT_DICOM, DICOM_MALFORMED: no SOP class or instance UID
 */
export async function readOutgoing(file: string): Promise<Outgoing> {
  const handle = await open(file);
  try {
    const { offset, transferSyntaxUid } = await locateDataSet(handle);
    const walk = openWalk(transferSyntaxUid, defaultLimits);
    await walkToIdentity(handle, offset, walk);
    const { sopClassUid = '', sopInstanceUid = '' } = walk.found;
    walk.stop();
    if (sopClassUid === '' || sopInstanceUid === '') {
      throw new LimpidError('DICOM_MALFORMED', `no SOP class and instance UID: ${walk.fault ?? 'absent'}`);
    }
    return { file, sopClassUid, sopInstanceUid, transferSyntaxUid };
  } finally {
    await handle.close();
  }
}
