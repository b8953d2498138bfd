// Reads an instance that an earlier process received: the file explains itself.
import { text } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import { arrivalSource, headerFacts } from '../spool/arrival.js';
import type { Arrival } from '../spool/arrival.js';
import type { Key } from '../spool/key.js';
import { readBeginning } from '../spool/read-beginning.js';

/** The arrival of a file in `instances/`; null for one that limpid did not write there, or that is damaged. */
export async function readArrival(path: string, key: Key, file: string): Promise<Arrival | null> {
  try {
    const { size, part10, dataSet } = await readBeginning(path);
    const sopInstanceUid = text(dataSet, 'SOPInstanceUID');
    if (sopInstanceUid === null) return null; // nothing is taken without one: the file ends before it
    const instance = {
      file,
      sopInstanceUid,
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
