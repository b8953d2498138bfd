// How much of an instance's data set its file still holds: less than was recorded where the file has lost its end.
import { open } from 'node:fs/promises';
import { readPart10 } from '../dicom/part10.js';
import { LimpidError } from '../errors.js';
import { hasCode } from './write-once.js';

/** The file meta group of an instance file is shorter: a few UIDs and AE titles. */
const metaBytes = 16 * 1024;

/** The beginning of an instance file, with all of its file meta group. @throws the file system's error */
export async function readMetaBytes(path: string): Promise<{ readonly beginning: Uint8Array; readonly size: number }> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const bytes = Buffer.allocUnsafe(Math.min(metaBytes, size));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    return { beginning: bytes.subarray(0, bytesRead), size };
  } finally {
    await handle.close();
  }
}

/**
 * Bytes of data set in an instance file: 0 where it has no whole file meta group; null: it is not there.
 *
 * @throws the file system's error
 */
export async function dataSetBytesIn(path: string): Promise<number | null> {
  try {
    const { beginning, size } = await readMetaBytes(path);
    return size - readPart10(beginning).dataSetOffset;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return null;
    if (error instanceof LimpidError) return 0;
    throw error;
  }
}
