// The beginning of a stored file: as much of it as its header takes. A multi-frame object of some GB is not read whole.
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import pLimit from 'p-limit';
import { mostHeaderBytes } from '../dicom/data-set.js';
import { readInstanceHeader } from '../dicom/file.js';
import { readPart10 } from '../dicom/part10.js';
import { transferSyntax } from '../dicom/uids.js';
import { LimpidError } from '../errors.js';

type Header = ReturnType<typeof readInstanceHeader>;

/** `complete` is false where the file ends, or is longer than any header, before the stop tag. */
export interface Beginning extends Header {
  /** What was read. */
  readonly bytes: Uint8Array;
  /** Of the whole file. */
  readonly size: number;
}

const firstBytes = 64 * 1024;
/** Headers of single images end within this. One of a few MB may hold a million elements, half a GB once they are read. */
const longBytes = 256 * 1024;
const alone = pLimit(1);

/**
 * Long headers, and those of deflated data sets, of which nobody knows how long they become, are read one at a time in a process, whoever
 * asks: several of a million elements at once are more than it has memory for, and it would end anew at each start, at the same series.
 *
 * @param stopTag as `readInstanceHeader`. @throws LimpidError DICOM_*
 */
export async function readBeginning(path: string, stopTag?: number): Promise<Beginning> {
  // Whoever waits opens the file again: what was read before, the caller has taken what it needs of by then.
  return (await beginningOf(path, stopTag, longBytes)) ?? (await alone(() => wholeBeginning(path, stopTag)));
}

async function wholeBeginning(path: string, stopTag: number | undefined): Promise<Beginning> {
  const found = await beginningOf(path, stopTag, null);
  if (found === null) throw new LimpidError('INTERNAL', 'a header without a bound was not read');
  return found;
}

/** @param most null: as long as a header may be. @returns null: it is longer than that, or deflated */
async function beginningOf(path: string, stopTag: number | undefined, most: number | null): Promise<Beginning | null> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    for (let length = Math.min(firstBytes, size); ; length = Math.min(4 * length, size)) {
      if (most !== null && length > most) return null;
      const bytes = await prefixOf(file, length);
      if (most !== null && isDeflated(bytes)) return null;
      const header = readInstanceHeader(bytes, stopTag);
      if (header.complete || length >= Math.min(size, mostHeaderBytes)) return { ...header, bytes, size };
    }
  } finally {
    await file.close();
  }
}

const isDeflated = (bytes: Uint8Array): boolean =>
  transferSyntax(readPart10(bytes).transferSyntaxUid)?.deflated === true;

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
