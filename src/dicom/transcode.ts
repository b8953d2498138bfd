// A data set in another native syntax (PS3.5 section 10), for a peer that takes no other: structure changes, values do not.
import { LimpidError } from '../errors.js';
import type { DataSet, Element } from './data-set.js';
import { itemHeader, joined } from './element.js';
import { copiedElement } from './explicit-le.js';

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
  if (transferSyntaxUid === explicitLittleEndian) return joined(ds.elements.flatMap((element) => copiedElement(ds, element)));
  if (transferSyntaxUid === implicitLittleEndian) return joined(ds.elements.flatMap((element) => implicitElement(ds, element)));
  throw new LimpidError('DICOM_UNDECODABLE', `${transferSyntaxUid} is no syntax that limpid writes`);
}

function implicitElement(ds: DataSet, element: Element): Uint8Array[] {
  // The header of an implicit element looks like an item's: tag and a length of 32 bits (PS3.5 7.1.3).
  if (element.items !== null) {
    const parts = element.items.flatMap((item) => {
      const elements = item.elements.flatMap((inner) => implicitElement(item, inner));
      return [itemHeader(0xfffee000, lengthOf(elements)), ...elements];
    });
    return [itemHeader(element.tag, lengthOf(parts)), ...parts];
  }
  if (!ds.encoding.littleEndian) {
    // Turned into little endian by way of the explicit element, whose header is dropped.
    const explicit = joined(copiedElement(ds, element));
    const value = explicit.subarray(explicit.length - element.length);
    return [itemHeader(element.tag, value.length), value];
  }
  return [itemHeader(element.tag, element.length), ds.value(element)];
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}
