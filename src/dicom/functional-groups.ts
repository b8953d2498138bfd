// What holds for one frame of a multi-frame object: its functional groups, then those of all frames, then the top level
// (PS3.3 C.7.6.16).
import type { DataSet } from './data-set.js';
import { isPrivate } from './dictionary.js';
import { enhancedClasses } from './uids.js';
import { items, text } from './values.js';

/** Functional groups that say what a frame came from or refers to, not what it is. */
const ofOthers: ReadonlySet<number> = new Set([
  0x00081140, // Referenced Image Sequence
  0x00089124, // Derivation Image Sequence
  0x00209172, // Conversion Source Attributes Sequence
  0x00409096, // Real World Value Mapping Sequence
]);

/** Whether an object has functional groups, by its class. */
export function hasFunctionalGroups(ds: DataSet): boolean {
  return enhancedClasses.has(text(ds, 'SOPClassUID') ?? '');
}

/**
 * The data sets in which an attribute of a frame may stand, the one that decides first: each functional group of the frame, each
 * shared one, the vendor's own (Philips keeps a whole classic header of each frame there), the object itself. Of a classic object, the
 * object alone.
 *
 * @param frame from 0
 */
export function frameScopes(ds: DataSet, frame: number): readonly DataSet[] {
  if (!hasFunctionalGroups(ds)) return [ds];
  return [...groupsFor(ds, frame, (tag) => !isPrivate(tag)), ...groupsFor(ds, frame, isPrivate), ds];
}

/** The same without the vendor's own groups: what is read by them would be other for readers of the derived object, which lacks them. */
export function standardScopes(ds: DataSet, frame: number): readonly DataSet[] {
  if (!hasFunctionalGroups(ds)) return [ds];
  return [...groupsFor(ds, frame, (tag) => !isPrivate(tag)), ds];
}

/** Groups of a frame, then those of all frames. */
function groupsFor(ds: DataSet, frame: number, isAsked: (tag: number) => boolean): DataSet[] {
  const own = items(ds, 'PerFrameFunctionalGroupsSequence')[frame];
  const [shared] = items(ds, 'SharedFunctionalGroupsSequence');
  return [own, shared].flatMap((item) => (item === undefined ? [] : groupsOf(item, isAsked)));
}

function groupsOf(item: DataSet, isAsked: (tag: number) => boolean): DataSet[] {
  return item.elements.flatMap(({ tag, items: inner }) => {
    const group = inner?.[0];
    return group === undefined || ofOthers.has(tag) || !isAsked(tag) ? [] : [group];
  });
}

/** The first of the data sets that has the attribute; the last one where none has. */
export function scopeOf(scopes: readonly DataSet[], tag: number): DataSet {
  const found = scopes.find((scope) => (scope.get(tag)?.length ?? 0) > 0) ?? scopes.at(-1);
  if (found === undefined) throw new TypeError('a frame without its object');
  return found;
}
