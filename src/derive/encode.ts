// The derived data set: the source's elements byte for byte, without what the table removes, with what limpid writes.
import type { DataSet, Element } from '../dicom/data-set.js';
import type { PrivateElements } from '../dicom/deriving-node.js';
import { keywordOf, vrOf } from '../dicom/dictionary.js';
import { encodeElement, encodeSequence } from '../dicom/element.js';
import type { Value } from '../dicom/element.js';
import { copiedElement } from '../dicom/explicit-le.js';
import type { Drop } from '../dicom/explicit-le.js';
import {
  isCurve,
  isEmbeddedOverlay,
  isGroupLength,
  isNoData,
  isOfGrid,
  isOfInstitution,
  isStaleUnassigned,
  ruleOf,
  unassigned,
  writable,
} from './attributes.js';
import { isNewGrid } from './plan.js';
import type { DerivationPlan } from './plan.js';
import { isDroppedPrivate } from './private-elements.js';

/** An element that limpid writes: its tag and its whole encoding in Explicit LE. */
export interface Written {
  readonly tag: number;
  readonly bytes: Uint8Array;
}

/** An attribute of the table as limpid writes it; the VR is the dictionary's. */
export function written(keyword: string, value: Value): Written {
  const tag = writable(keyword);
  return { tag, bytes: encodeElement(tag, vrOf(tag), value) };
}

/** A sequence of the table; each item is its elements in order of tags. */
export function writtenSequence(keyword: string, items: readonly (readonly Uint8Array[])[]): Written {
  const tag = writable(keyword);
  return { tag, bytes: encodeSequence(tag, items) };
}

/** What is left out of items, at any depth: private elements that neither the shipped list nor the site keeps, and group lengths. */
export function dropInItems(ofSite: readonly PrivateElements[] = []): Drop {
  return (item, element) => isGroupLength(element.tag) || isDroppedPrivate(item, element, ofSite);
}

/** Whether the derived object has the source's element as it is, on the source's own grid. */
function isCopied(source: DataSet, element: Element, ofSite: readonly PrivateElements[]): boolean {
  const action = ruleOf(element.tag)?.action ?? 'kept';
  return (
    action === 'kept' &&
    // Of an element that stands twice, which is forbidden, only one can go on.
    source.get(element.tag) === element &&
    !isNoData(element.tag) &&
    !isGroupLength(element.tag) &&
    !isCurve(element.tag) &&
    !isEmbeddedOverlay(source, element) &&
    !isDroppedPrivate(source, element, ofSite)
  );
}

/** Which elements go from a source into a copy, at the top level and within items. */
export interface Selection {
  readonly copied: (source: DataSet, element: Element) => boolean;
  readonly dropped: Drop;
  /** Of a functional group. */
  readonly droppedOf: (group: Element) => Drop;
}

/** What a derived object takes over: not what follows the grid, where pixels lie on another one, nor the institution that the site names. */
export function selectionOf(plan: DerivationPlan): Selection {
  const { institution = {}, keepPrivate = [] } = plan.node;
  const isFiner = isNewGrid(plan);
  const dropped = dropInItems(keepPrivate);
  return {
    copied: (source, element) =>
      isCopied(source, element, keepPrivate) &&
      !(isFiner && isOfGrid(element.tag)) &&
      !isOfInstitution(element.tag, institution),
    dropped,
    droppedOf: ({ tag }) =>
      unassigned.has(keywordOf(tag) ?? '')
        ? (item, element) => dropped(item, element) || isStaleUnassigned(item, element, isFiner)
        : dropped,
  };
}
/** A plain copy. */
export const everything: Selection = { copied: () => true, dropped: () => false, droppedOf: () => () => false };

/**
 * Pieces of the data set in order of tags: every element of the source that is selected, and the written ones. A written element takes
 * the place of the source's. With everything selected and nothing written, an Explicit LE source comes back byte for byte.
 */
export function encodedDataSet(source: DataSet, selection: Selection, elements: readonly Written[]): Uint8Array[] {
  const own = new Set(elements.map(({ tag }) => tag));
  const pieces = source.elements
    .filter((element) => !own.has(element.tag) && selection.copied(source, element))
    .map((element) => ({ tag: element.tag, parts: copiedElement(source, element, selection.dropped) }));
  if (elements.length > 0) {
    pieces.push(...elements.map(({ tag, bytes }) => ({ tag, parts: [bytes] })));
    // Of a source whose elements stand in a wrong order only the order changes.
    pieces.sort((a, b) => a.tag - b.tag);
  }
  return pieces.flatMap(({ parts }) => parts);
}
