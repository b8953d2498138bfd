// A data set as Implicit VR Little Endian, for peers that take nothing else (conformance 2). Values keep their bytes.
import { LimpidError } from '../errors.js';
import type { DataSet, Element } from './data-set.js';
import { tagText } from './dictionary.js';
import { itemHeader, lengthOf } from './element.js';

/**
 * Pieces of the data set without VRs; sequences get explicit lengths, native pixels stay as they are.
 * @throws LimpidError INTERNAL for a big endian data set and for encapsulated pixel data, which have no implicit form
 */
export function implicitDataSet(ds: DataSet): Uint8Array[] {
  if (!ds.encoding.littleEndian) throw new LimpidError('INTERNAL', 'big endian is not converted to Implicit VR');
  return ds.elements.flatMap((element) => implicitElement(ds, element));
}

function implicitElement(ds: DataSet, element: Element): Uint8Array[] {
  if (element.fragments !== null) throw new LimpidError('INTERNAL', `${tagText(element.tag)} is encapsulated`);
  const value =
    element.items === null
      ? [ds.value(element)]
      : element.items.flatMap((item) => {
          const inner = implicitDataSet(item);
          return [itemHeader(0xfffee000, lengthOf(inner)), ...inner];
        });
  // The header of an implicit element has the form of an item's: tag, then a length of 32 bits.
  return [itemHeader(element.tag, lengthOf(value)), ...value];
}
