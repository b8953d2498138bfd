// Reads an instance that an earlier process received: the file explains itself.
import { open } from 'node:fs/promises';
import { mostHeaderBytes } from '../dicom/data-set.js';
import { readInstanceHeader } from '../dicom/file.js';
import { text } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import { arrivalSource, headerFacts } from '../spool/arrival.js';
import type { Arrival } from '../spool/arrival.js';
import type { Key } from '../spool/key.js';

const firstBytes = 64 * 1024;

/** The arrival of a file in `instances/`; null for one that limpid did not write there. */
export async function readArrival(path: string, key: Key, file: string): Promise<Arrival | null> {
  try {
    const { size, part10, dataSet } = await readBeginning(path);
    const instance = {
      file,
      sopInstanceUid: text(dataSet, 'SOPInstanceUID') ?? '',
      sopClassUid: text(dataSet, 'SOPClassUID') ?? '',
      transferSyntaxUid: part10.transferSyntaxUid,
      sha256: null,
      bytes: size - part10.dataSetOffset,
    };
    const kind = file.includes('.') ? 'variant' : 'stored';
    return {
      key,
      kind,
      instance,
      source: arrivalSource(part10.meta),
      association: null,
      facts: headerFacts(dataSet),
    };
  } catch (error) {
    if (error instanceof LimpidError && error.next === 'reject') return null;
    throw error;
  }
}

/** Of a multi-frame object of some GB no more than its header is read. */
async function readBeginning(path: string): Promise<ReturnType<typeof readInstanceHeader> & { readonly size: number }> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    for (let length = Math.min(firstBytes, size); ; length = Math.min(4 * length, size)) {
      const { buffer } = await handle.read(Buffer.alloc(length), 0, length, 0);
      const header = readInstanceHeader(buffer);
      // Without pixels the header is all there is.
      if (header.complete || length >= Math.min(size, mostHeaderBytes)) return { ...header, size };
    }
  } finally {
    await handle.close();
  }
}
