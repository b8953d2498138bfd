// Private elements of vendors that a derived object keeps: viewers need them, and the enhancement leaves them true.
import type { DataSet, Element } from '../dicom/data-set.js';
import type { PrivateElements } from '../dicom/deriving-node.js';
import { isPrivate } from '../dicom/dictionary.js';
import { stripEnd } from '../dicom/strip.js';

/** The shipped list (conformance 3.1): b-values, gradients, slice timing, scale factors. */
export const keptPrivate: readonly PrivateElements[] = [
  { creator: 'SIEMENS MR HEADER', group: 0x0019, elements: [0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x27, 0x28, 0x29] },
  { creator: 'SIEMENS MR SDI 02', group: 0x0021, elements: 'all' },
  { creator: 'SIEMENS MR SDS 01', group: 0x0021, elements: [0x53, 0x59, 0x7f] },
  { creator: 'GEMS_PARM_01', group: 0x0043, elements: [0x39, 0x6f] },
  { creator: 'GEMS_ACQU_01', group: 0x0019, elements: [0xbb, 0xbc, 0xbd] },
  { creator: 'Philips Imaging DD 001', group: 0x2001, elements: [0x03, 0x04] },
  { creator: 'Philips MR Imaging DD 001', group: 0x2005, elements: [0x0d, 0x0e, 0xb0, 0xb1, 0xb2] },
  { creator: 'TOSHIBA_MEC_MR3', group: 0x700d, elements: 'all' },
];

/**
 * Whether a private element of a data set or item is dropped: not on the list, without a creator, or the creator of an empty block.
 * @param ofSite what the site keeps beside the shipped list
 */
export function isDroppedPrivate(ds: DataSet, element: Element, ofSite: readonly PrivateElements[]): boolean {
  if (!isPrivate(element.tag)) return false;
  const [group, low] = [element.tag >>> 16, element.tag & 0xffff];
  const isCreator = low <= 0xff;
  const block = isCreator ? low : low >>> 8;
  const creator = ds.get(group * 0x10000 + block);
  if (creator === undefined || block < 0x10) return true;
  const name = stripEnd(String.fromCharCode(...ds.value(creator).subarray(0, 64))).trimStart();
  const lists = [...keptPrivate, ...ofSite].filter((kept) => kept.creator === name && kept.group === group);
  const listed = lists.flatMap(({ elements }) => (elements === 'all' ? ofBlock : elements));
  if (!isCreator) return !listed.includes(low & 0xff);
  // Asked for by tag: a data set of nothing but creators would be gone through for each of them.
  const base = group * 0x10000 + block * 0x100;
  return !listed.some((own) => ds.get(base + own) !== undefined);
}

/** Elements that a private block may have, by their low byte. */
const ofBlock: readonly number[] = Array.from({ length: 0x100 }, (_, own) => own);
