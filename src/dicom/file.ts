// A stored file as a whole: file meta group and data set together.
import { readDataSet, readHeader } from './data-set.js';
import type { DataSet, Header } from './data-set.js';
import { readPart10 } from './part10.js';
import type { Part10 } from './part10.js';

/** One instance as stored. `dataSet.bytes` are the data set's own bytes (inflated where the syntax is deflated). */
export interface Instance {
  readonly bytes: Uint8Array;
  readonly part10: Part10;
  readonly dataSet: DataSet;
}

/**
 * Reads a whole Part 10 file.
 * @throws LimpidError DICOM_NOT_DICOM, DICOM_MALFORMED, DICOM_UNDECODABLE
 */
export function readInstance(bytes: Uint8Array): Instance {
  const part10 = readPart10(bytes);
  return { bytes, part10, dataSet: readDataSet(bytes.subarray(part10.dataSetOffset), part10.transferSyntaxUid) };
}

/**
 * Reads the header of a Part 10 file from its first bytes. Where `complete` is false and the prefix is not the whole file, take more.
 * @throws LimpidError as readInstance
 */
export function readInstanceHeader(prefix: Uint8Array, stopTag?: number): Header & { readonly part10: Part10 } {
  const part10 = readPart10(prefix);
  return { part10, ...readHeader(prefix.subarray(part10.dataSetOffset), part10.transferSyntaxUid, stopTag) };
}
