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
  return [...groupsFor(ds, frame, isStandard), ...groupsFor(ds, frame, isPrivate), ds];
}

/** The same without the vendor's own groups: what is read by them would be other for readers of the derived object, which lacks them. */
export function standardScopes(ds: DataSet, frame: number): readonly DataSet[] {
  if (!hasFunctionalGroups(ds)) return [ds];
  return [...groupsFor(ds, frame, (tag) => !isPrivate(tag)), ds];
}

/** Data sets that are asked one after the other; what they say of an attribute is looked for once. */
export class Layer {
  readonly groups: readonly DataSet[];
  readonly #holders = new Map<number, DataSet | null>();

  constructor(groups: readonly DataSet[]) {
    this.groups = groups;
  }

  /** The first that has a value for the attribute, or null. */
  holder(tag: number): DataSet | null {
    let found = this.#holders.get(tag);
    if (found === undefined) {
      found = this.groups.find((group) => (group.get(tag)?.length ?? 0) > 0) ?? null;
      this.#holders.set(tag, found);
    }
    return found;
  }
}

/** The first data set of the layers that has a value for the attribute, or null. */
export function holderIn(layers: readonly Layer[], tag: number): DataSet | null {
  for (const layer of layers) {
    const found = layer.holder(tag);
    if (found !== null) return found;
  }
  return null;
}

/** The scopes of each frame of one object, those of all frames as the same layers again: there may be thousands of both. */
export class FrameLayers {
  readonly #own: readonly DataSet[];
  readonly #standard: Layer;
  readonly #vendors: Layer;
  readonly #whole: Layer;

  constructor(ds: DataSet) {
    const [shared] = items(ds, 'SharedFunctionalGroupsSequence');
    this.#own = items(ds, 'PerFrameFunctionalGroupsSequence');
    this.#standard = layerOf(shared, isStandard);
    this.#vendors = layerOf(shared, isPrivate);
    this.#whole = new Layer([ds]);
  }

  /** As `frameScopes` has them. */
  of(frame: number): readonly Layer[] {
    const own = this.#own[frame];
    return [layerOf(own, isStandard), this.#standard, layerOf(own, isPrivate), this.#vendors, this.#whole];
  }

  /** As `standardScopes` has them. */
  standardOf(frame: number): readonly Layer[] {
    return [layerOf(this.#own[frame], isStandard), this.#standard, this.#whole];
  }
}

const isStandard = (tag: number): boolean => !isPrivate(tag);

function layerOf(item: DataSet | undefined, isAsked: (tag: number) => boolean): Layer {
  return new Layer(item === undefined ? [] : groupsOf(item, isAsked));
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
