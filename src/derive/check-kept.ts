// Own check: what must be kept is kept, what must go is gone, nothing else was added (conformance 3.1).
import type { DataSet, Element } from '../dicom/data-set.js';
import { isPrivate, keywordOf, tagText } from '../dicom/dictionary.js';
import type { Drop } from '../dicom/explicit-le.js';
import { hasFunctionalGroups } from '../dicom/functional-groups.js';
import { numbers, texts } from '../dicom/values.js';
import {
  isCurve,
  isEmbeddedOverlay,
  isGroupLength,
  isOfInstitution,
  isOnlyOfSourceGrid,
  isRecoloured,
  ruleOf,
} from './attributes.js';
import type { Check } from './faults.js';
import { isNewGrid } from './plan.js';
import { isDroppedPrivate } from './private-elements.js';
import { privateGroup } from './private-block.js';

/** Rules that name a kept attribute of their own. */
const special: Readonly<Record<string, string>> = {
  StudyInstanceUID: 'STUDY',
  FrameOfReferenceUID: 'FOR',
  SpecificCharacterSet: 'CHARSET',
  SOPClassUID: 'CLASS',
};

/** What stands for the whole object in a classic one, for each frame in its functional groups otherwise; a creator is never named. */
const ofClassic: ReadonlySet<string> = new Set([
  'DerivationDescription',
  'DerivationCodeSequence',
  'SourceImageSequence',
]);
const ofFunctionalGroups: ReadonlySet<string> = new Set([
  'SharedFunctionalGroupsSequence',
  'PerFrameFunctionalGroupsSequence',
  'SourceImageEvidenceSequence',
  'ConcatenationUID',
  'SOPInstanceUIDOfConcatenationSource',
]);

/** Whether an attribute that limpid writes elsewhere does not belong at this object's top level. */
function isOutOfPlace(tag: number, isOfFrames: boolean): boolean {
  const keyword = keywordOf(tag) ?? '';
  return keyword === 'InstanceCreatorUID' || (isOfFrames ? ofClassic : ofFunctionalGroups).has(keyword);
}

const name = (tag: number): string => keywordOf(tag) ?? tagText(tag);

export function checkKept({ source, derived, plan, selection, fault }: Check): void {
  const [from, to] = [source.dataSet, derived.dataSet];
  for (const element of from.elements) {
    if (!selection.copied(from, element)) continue;
    if (isRecoloured(from) && (element.tag === 0x00280004 || element.tag === 0x00280006)) continue;
    const found = to.get(element.tag);
    const rule = special[keywordOf(element.tag) ?? ''] ?? 'KEPT';
    if (found === undefined) fault(rule, `${name(element.tag)} is missing`);
    else if (!sameElement(from, element, to, found, selection.dropped))
      fault(rule, `${name(element.tag)} differs from the source's`);
  }
  const isOfFrames = hasFunctionalGroups(from);
  const { institution = {} } = plan.node;
  let last = -1;
  for (const element of to.elements) {
    const { tag } = element;
    if (tag <= last) fault('ORDER', `${name(tag)} stands behind a greater or equal tag`);
    last = tag;
    const action = ruleOf(tag)?.action;
    if (isGroupLength(tag)) fault('GROUPLEN', `${tagText(tag)} is a group length`);
    else if (isCurve(tag)) fault('CURVE', `${tagText(tag)} is a curve`);
    else if (isEmbeddedOverlay(to, element)) fault('OVERLAY', `${tagText(tag)} is of an overlay within the pixels`);
    else if (isNewGrid(plan) && isOnlyOfSourceGrid(tag)) fault('OVERLAY', `${tagText(tag)} is of the source's grid`);
    else if (action === 'removed') fault('REMOVED', `${name(tag)} describes the source`);
    else if (isPrivate(tag)) {
      if (tag >>> 16 !== privateGroup && isDroppedPrivate(to, element, plan.node.keepPrivate ?? []))
        fault('PRIVATE', `${tagText(tag)} is not on the list of those kept`);
    } else if (isOutOfPlace(tag, isOfFrames)) fault('ADDED', `${name(tag)} does not belong here`);
    else if (isOfInstitution(tag, institution)) continue;
    else if (action !== 'replaced' && action !== 'added' && from.get(tag) === undefined)
      fault('ADDED', `${name(tag)} is not asked for`);
    if (element.length % 2 === 1 && from.get(tag)?.length !== element.length)
      fault('SYNTAX', `${name(tag)} has odd length`);
  }
}

/** Whether two elements say the same, whatever their encodings; in items, what is dropped there does not count. */
export function sameElement(a: DataSet, first: Element, b: DataSet, second: Element, drop: Drop): boolean {
  if (first.items !== null) {
    const [left, right] = [first.items, second.items ?? []];
    return left.length === right.length && left.every((item, index) => sameItem(item, right[index], drop));
  }
  if (a.encoding.littleEndian && b.encoding.littleEndian) return sameBytes(a.value(first), b.value(second));
  // Numbers of big endian have other bytes: compared as values, in the order in which both were read.
  const [left, right] = [numbers(a, first.tag), numbers(b, second.tag)];
  if (left.length > 0)
    return left.length === right.length && left.every((value, index) => Object.is(value, right[index]));
  const words = texts(a, first.tag);
  return words.length > 0 ? words.join('\\') === texts(b, second.tag).join('\\') : first.length === second.length;
}

/** Whether an item of the derived object says what the source's says. */
export function sameItem(item: DataSet, other: DataSet | undefined, drop: Drop): boolean {
  const kept = item.elements.filter((element) => !drop(item, element));
  if (other?.elements.length !== kept.length) return false;
  return kept.every((element) => {
    const found = other.get(element.tag);
    return found !== undefined && sameElement(item, element, other, found, drop);
  });
}

/** Whether two values are equal byte for byte. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
