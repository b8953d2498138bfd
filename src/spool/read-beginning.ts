// The beginning of a stored file: as much of it as its header takes. A multi-frame object of some GB is not read whole.
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { mostHeaderBytes } from '../dicom/data-set.js';
import { readInstanceHeader } from '../dicom/file.js';

type Header = ReturnType<typeof readInstanceHeader>;

/** `complete` is false where the file ends, or is longer than any header, before the stop tag. */
export interface Beginning extends Header {
  /** What was read. */
  readonly bytes: Uint8Array;
  /** Of the whole file. */
  readonly size: number;
}

const firstBytes = 64 * 1024;

/** @param stopTag as `readInstanceHeader`. @throws LimpidError DICOM_* */
export async function readBeginning(path: string, stopTag?: number): Promise<Beginning> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    for (let length = Math.min(firstBytes, size); ; length = Math.min(4 * length, size)) {
      const bytes = await prefixOf(file, length);
      const header = readInstanceHeader(bytes, stopTag);
      if (header.complete || length >= Math.min(size, mostHeaderBytes)) return { ...header, bytes, size };
    }
  } finally {
    await file.close();
  }
}

async function prefixOf(file: FileHandle, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await file.read(bytes, read, length - read, read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return bytes.subarray(0, read);
}
