// Copying elements into an Explicit VR Little Endian data set: structure may change, values never (PS3.5 section 7, 6.2).
import type { DataSet, Element } from './data-set.js';
import { header, itemHeader, lengthOf, longHeader } from './element.js';

/** Bytes of one number, for VRs whose values depend on the order of bytes. */
const numberSize: Readonly<Record<string, number | undefined>> = {
  AT: 2,
  OW: 2,
  SS: 2,
  US: 2,
  FL: 4,
  OF: 4,
  OL: 4,
  SL: 4,
  UL: 4,
  FD: 8,
  OD: 8,
  OV: 8,
  SV: 8,
  UV: 8,
};
const longestShortValue = 0xffff;

/** Says which elements of sequences' items are left out. */
export type Drop = (item: DataSet, element: Element) => boolean;
const dropNothing: Drop = () => false;

/**
 * One element as Explicit LE, in pieces. Of an Explicit LE source it is the very bytes, without copying, unless an item within holds
 * something that `drop` leaves out; of others, VR and lengths are written anew and numbers of big endian turned.
 */
export function copiedElement(ds: DataSet, element: Element, drop: Drop = dropNothing): Uint8Array[] {
  const { explicit, littleEndian } = ds.encoding;
  const same = explicit && littleEndian;
  if (same && !(element.items ?? []).some((item) => holds(item, drop))) {
    return [ds.bytes.subarray(element.offset, element.end)];
  }
  if (element.items !== null) {
    const parts = element.items.flatMap((item) => {
      const elements = copiedItem(item, drop);
      return [itemHeader(0xfffee000, lengthOf(elements)), ...elements];
    });
    return [header(element.tag, 'SQ', lengthOf(parts)), ...parts];
  }
  const value = littleEndian ? ds.value(element) : turned(ds.value(element), element.vr);
  // A value too long for its VR's 16-bit length, which Implicit VR allows, goes as UN (PS3.5 6.2.2).
  const vr = value.length > longestShortValue && !longHeader(element.vr) ? 'UN' : element.vr;
  return [header(element.tag, vr, value.length), value];
}

/** The elements of an item as Explicit LE, in order, without those that `drop` names. */
export function copiedItem(item: DataSet, drop: Drop = dropNothing): Uint8Array[] {
  if (item.encoding.explicit && item.encoding.littleEndian && !holds(item, drop)) {
    return [item.bytes.subarray(item.offset, item.end)];
  }
  return item.elements
    .filter((element) => !drop(item, element))
    .flatMap((element) => copiedElement(item, element, drop));
}

function holds(item: DataSet, drop: Drop): boolean {
  return item.elements.some(
    (element) => drop(item, element) || (element.items ?? []).some((inner) => holds(inner, drop)),
  );
}

function turned(value: Uint8Array, vr: string): Uint8Array {
  const size = numberSize[vr];
  if (size === undefined) return value;
  // Not slice(): a Buffer's is no copy, and the source itself would be turned.
  const out = new Uint8Array(value);
  for (let at = 0; at + size <= out.length; at += size) out.subarray(at, at + size).reverse();
  return out;
}
