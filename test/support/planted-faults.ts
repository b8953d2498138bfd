// Faults for planting in derived objects: changes of a Part 10 file's bytes, which stays readable unless the fault is just that.
import { tagOf } from '../../src/dicom/dictionary.js';
import { encodeElement, encodeSequence, joined } from '../../src/dicom/element.js';
import { copiedItem } from '../../src/dicom/explicit-le.js';
import { readInstance } from '../../src/dicom/file.js';
import { writeFileMeta } from '../../src/dicom/part10.js';
import { explicitLittleEndian } from '../../src/dicom/uids.js';
import { items } from '../../src/dicom/values.js';

/** The item at an index; below 0 from the end. */
export const at = <T>(list: readonly T[], index: number): T => {
  const found = list.at(index);
  if (found === undefined) throw new Error(`nothing at ${index}`);
  return found;
};
/** Of a keyword. */
export const tag = (keyword: string): number => tagOf(keyword) ?? Number.NaN;

/** A change of the derived file's bytes. */
export type Planted = (bytes: Uint8Array) => Uint8Array;

/** Replaces, adds (a value) or removes (null) elements. */
export const change =
  (
    ...changes: readonly (readonly [keyword: string | number, vr: string, value: string | number | Uint8Array | null])[]
  ): Planted =>
  (bytes) => {
    const { part10, dataSet } = readInstance(bytes);
    const elements = new Map(
      dataSet.elements.map((element) => [element.tag, dataSet.bytes.subarray(element.offset, element.end)]),
    );
    for (const [key, vr, value] of changes) {
      const own = typeof key === 'number' ? key : tag(key);
      if (value === null) elements.delete(own);
      else elements.set(own, encodeElement(own, vr, value));
    }
    const ordered = [...elements].sort(([a], [b]) => a - b).map(([, element]) => element);
    return joined([bytes.subarray(0, part10.dataSetOffset), ...ordered]);
  };
/** Replaces or adds an element. */
export const set = (keyword: string | number, vr: string, value: string | number | Uint8Array): Planted =>
  change([keyword, vr, value]);
/** Removes an element. */
export const drop = (keyword: string | number): Planted => change([keyword, '', null]);

/** Changes one item of a sequence; null drops the item. */
export const changeItem =
  (keyword: string, index: number, inner: Planted | null): Planted =>
  (bytes) => {
    const { part10, dataSet } = readInstance(bytes);
    const all = [...items(dataSet, keyword)].map((item) => joined(copiedItem(item)));
    const where = (index + all.length) % all.length;
    if (inner === null) all.splice(where, 1);
    else {
      const meta = writeFileMeta({ sopClassUid: '1', sopInstanceUid: '1', transferSyntaxUid: explicitLittleEndian });
      all[where] = inner(joined([meta, at(all, where)])).subarray(meta.length);
    }
    const sequence = encodeSequence(
      tag(keyword),
      all.map((item) => [item]),
    );
    const elements = dataSet.elements.map((element) =>
      element.tag === tag(keyword) ? sequence : dataSet.bytes.subarray(element.offset, element.end),
    );
    return joined([bytes.subarray(0, part10.dataSetOffset), ...elements]);
  };
/** Puts the sequence's items in twice. */
export const doubled =
  (keyword: string): Planted =>
  (bytes) => {
    const { part10, dataSet } = readInstance(bytes);
    const all = items(dataSet, keyword).map((item) => copiedItem(item));
    const sequence = encodeSequence(tag(keyword), [...all, ...all]);
    const elements = dataSet.elements.map((element) =>
      element.tag === tag(keyword) ? sequence : dataSet.bytes.subarray(element.offset, element.end),
    );
    return joined([bytes.subarray(0, part10.dataSetOffset), ...elements]);
  };
/** Tag in limpid's private block. */
export const block = (element: number): number => 0x01771000 + element;
/** The same elements with one moved to the end of the data set. */
export const moveToEnd =
  (keyword: string): Planted =>
  (bytes) => {
    const { part10, dataSet } = readInstance(bytes);
    const part = (own: boolean) =>
      dataSet.elements
        .filter((element) => (element.tag === tag(keyword)) === own)
        .map(({ offset, end }) => dataSet.bytes.subarray(offset, end));
    return joined([bytes.subarray(0, part10.dataSetOffset), ...part(false), ...part(true)]);
  };
/** Writes the file meta group anew. */
export const meta =
  (values: { sopInstanceUid?: string; sopClassUid?: string; transferSyntaxUid?: string }): Planted =>
  (bytes) => {
    const { part10 } = readInstance(bytes);
    const own = {
      sopClassUid: part10.meta.mediaStorageSopClassUid,
      sopInstanceUid: part10.meta.mediaStorageSopInstanceUid,
      transferSyntaxUid: explicitLittleEndian,
    };
    return joined([writeFileMeta({ ...own, ...values }), bytes.subarray(part10.dataSetOffset)]);
  };
