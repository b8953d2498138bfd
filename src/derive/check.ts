// The gate before sending: every derived object is read back and compared with its source and the plan (conformance 3, 5, 11, 13).
// It works from the bytes, not from what the writer meant to write. Faults are words without patient data.
import { readInstance } from '../dicom/file.js';
import type { Instance } from '../dicom/file.js';
import { explicitLittleEndian } from '../dicom/uids.js';
import { number, text } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import { checkHeader } from './check-header.js';
import { checkPixels } from './check-pixels.js';
import { selectionOf } from './encode.js';
import type { Check, DecodedSource, Fault } from './faults.js';
import type { DerivationPlan } from './plan.js';

/**
 * Faults of one derived instance, `RULE: what`; none: it may be sent.
 * @param derivedBytes the whole Part 10 file
 * @param meant as `Check` has it
 */
export function checkInstance(
  source: DecodedSource,
  derivedBytes: Uint8Array,
  plan: DerivationPlan,
  meant: Pick<Check, 'largestChange' | 'isPlain'> = { largestChange: null, isPlain: false },
): string[] {
  const faults: string[] = [];
  const fault: Fault = (rule, what) => faults.push(`${rule}: ${what}`);
  try {
    const derived = readInstance(derivedBytes);
    checkMeta(derived, fault);
    const check: Check = { source, derived, plan, ...meant, selection: selectionOf(plan), fault };
    checkHeader(check);
    checkPixels(check);
  } catch (error) {
    if (!(error instanceof LimpidError)) throw error;
    fault('READ', `cannot be read back: ${error.message}`);
  }
  return faults;
}

/** File meta group: the data set's own identity and syntax, and a right group length (conformance 2). */
export function checkMeta({ part10, dataSet, bytes }: Instance, fault: Fault): void {
  if (part10.transferSyntaxUid !== explicitLittleEndian)
    fault('TS', 'transfer syntax is not Explicit VR Little Endian');
  if (part10.meta.mediaStorageSopInstanceUid !== text(dataSet, 'SOPInstanceUID'))
    fault('META', 'names another instance');
  if (part10.meta.mediaStorageSopClassUid !== text(dataSet, 'SOPClassUID')) fault('META', 'names another SOP class');
  const meta = new DataView(bytes.buffer, bytes.byteOffset, part10.dataSetOffset);
  const length = meta.getUint16(134, true) === 0 ? meta.getUint32(140, true) : -1;
  if (length !== part10.dataSetOffset - 144) fault('META', 'group length is wrong or missing');
  if (number(dataSet, 'Rows') === null) fault('PIXEL', 'Rows missing');
}
