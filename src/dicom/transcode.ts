// A data set in another native syntax (PS3.5 section 10), for a peer that takes no other: structure changes, values do not.
import { LimpidError } from '../errors.js';
import { readDataSet } from './data-set.js';
import type { DataSet } from './data-set.js';
import { joined } from './element.js';
import { copiedElement } from './explicit-le.js';
import { implicitDataSet } from './implicit-le.js';

const explicitLittleEndian = '1.2.840.10008.1.2.1';
const implicitLittleEndian = '1.2.840.10008.1.2';

/**
 * The bytes of a native data set in Explicit or Implicit VR Little Endian. Private values and those of unknown VR keep their bytes.
 *
 * @throws LimpidError DICOM_UNDECODABLE: encapsulated pixel data, or another target
 */
export function nativeDataSet(ds: DataSet, transferSyntaxUid: string): Uint8Array {
  if (ds.elements.some(({ fragments }) => fragments !== null)) {
    throw new LimpidError('DICOM_UNDECODABLE', 'encapsulated pixel data cannot be sent in a native syntax');
  }
  if (transferSyntaxUid === implicitLittleEndian && ds.encoding.littleEndian) return joined(implicitDataSet(ds));
  const explicit = joined(ds.elements.flatMap((element) => copiedElement(ds, element)));
  if (transferSyntaxUid === explicitLittleEndian) return explicit;
  // Big endian goes by way of Explicit LE, which turns its numbers.
  if (transferSyntaxUid === implicitLittleEndian)
    return joined(implicitDataSet(readDataSet(explicit, explicitLittleEndian)));
  throw new LimpidError('DICOM_UNDECODABLE', `${transferSyntaxUid} is no syntax that limpid writes`);
}
