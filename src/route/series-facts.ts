/** What routing knows of a revision: plain data, read once from the headers, so that every decision is a pure function of it. */
import type { PixelDescription } from '../dicom/pixel-description.js';
import type { Reason } from '../errors.js';
import type { ModelCard } from '../inference/card.js';
import { useCondition } from '../inference/intended-use.js';
import type { Condition, CompiledRule } from '../rule.js';
import { decimalOf } from '../dicom/decimal.js';
import { tagOf } from '../dicom/dictionary.js';
import { stackOf } from '../dicom/geometry.js';
import type { Plane, Stack } from '../dicom/geometry.js';

/** Tag of a keyword that limpid's own code names. */
export function tag(keyword: string): number {
  const found = tagOf(keyword);
  if (found === undefined) throw new TypeError(`no attribute has the keyword ${keyword}`);
  return found;
}

/** What is known of one image: of an instance, or of one frame of an instance that has several. */
export interface InstanceFacts {
  readonly sopInstanceUid: string;
  /** From 0, in an instance of several frames; else absent. */
  readonly frame?: number;
  readonly sopClassUid: string;
  readonly transferSyntaxUid: string;
  /** Values of the attributes asked for, without padding; absent and empty ones are not in it. Of a frame: its functional groups' first. */
  readonly values: ReadonlyMap<number, readonly string[]>;
  /** Text at the place of each vendor mark, in the marks' order, several values joined by backslashes; empty where nothing stands. */
  readonly marks: readonly string[];
  readonly hasPixelData: boolean;
  readonly pixels: PixelDescription | Reason;
  /** limpid made it: by its marks, or because this node knows its UID. */
  readonly isOwn: boolean;
  readonly isEncrypted: boolean;
  /** GE's own word for what an MR image shows (GEMS_PARM_01, 0043,xx2F): 0 magnitude, 1 phase, 2 real, 3 imaginary; null where absent. */
  readonly geImageType: number | null;
  /** The vendor's own words for b-value and gradient direction, from private elements or Image Comments; null where the header has none. */
  readonly vendorDiffusion: string | null;
  /** Text that does not fit the Specific Character Set that the header names. */
  readonly hasStrangeText: boolean;
  /** Of ultrasound: a two-dimensional region of tissue is named; absent for other images. */
  readonly hasTissue?: boolean;
  /** Overlays that a new grid would lose. */
  readonly hasOverlay?: boolean;
  /** Why the header could not be read; null if it was. */
  readonly unreadable: string | null;
}

export interface SeriesFacts {
  /** Each image, by SOP Instance UID and frame, so that no decision depends on the order of arrival. */
  readonly instances: readonly InstanceFacts[];
  readonly sources: readonly { readonly peer: string; readonly callingAe: string; readonly calledAe: string }[];
  /** Second copies of listed instances with other bytes. */
  readonly variants: number;
  /** Listed instances that retention has taken away: they are not among `instances`. */
  readonly swept: number;
  /** Instances whose SOP Instance UID came in another series before; absent where nobody knows. */
  readonly elsewhere?: number;
  /** Null where an instance has no usable position or orientation, or another orientation than the first. */
  readonly stack: Stack | null;
}

/** Positions nearer than this along the normal are one, mm. */
const samePositionMm = 0.005;
/** Largest difference of one direction cosine within a series. */
export const sameCosine = 0.001;

/** Instances that share a position, as indices into the series' instances, along the normal. Null where geometry is unknown. */
export function positionGroups({ stack }: SeriesFacts): readonly (readonly number[])[] | null {
  if (stack === null) return null;
  const groups: number[][] = [];
  let before: number | undefined;
  for (const index of stack.order) {
    const at = stack.along[index] ?? 0;
    const group = groups.at(-1);
    if (group !== undefined && before !== undefined && at - before <= samePositionMm) group.push(index);
    else groups.push([index]);
    before = at;
  }
  return groups;
}

/** How many slices the series has: positions, or instances where no one stack is known. */
export function sliceCount(facts: SeriesFacts): number {
  return positionGroups(facts)?.length ?? facts.instances.length;
}

export function valuesOf(instance: InstanceFacts, keyword: string): readonly string[] {
  return instance.values.get(tag(keyword)) ?? [];
}

/** First value as a number; null where it is absent or none. */
export function numberOf(instance: InstanceFacts, keyword: string): number | null {
  const value = decimalOf(valuesOf(instance, keyword)[0] ?? '');
  return Number.isFinite(value) ? value : null;
}

function planeOf(instance: InstanceFacts): Plane {
  return {
    position: valuesOf(instance, 'ImagePositionPatient').map(decimalOf),
    orientation: valuesOf(instance, 'ImageOrientationPatient').map(decimalOf),
    thicknessMm: numberOf(instance, 'SliceThickness'),
  };
}

/** Puts the instances in order and works the geometry out. */
export function seriesFacts(parts: Omit<SeriesFacts, 'stack'>): SeriesFacts {
  const instances = parts.instances.toSorted((a, b) =>
    a.sopInstanceUid === b.sopInstanceUid
      ? (a.frame ?? 0) - (b.frame ?? 0)
      : a.sopInstanceUid < b.sopInstanceUid
        ? -1
        : 1,
  );
  const planes = instances.map(planeOf);
  // Along one normal there are positions only where all slices share it: across it a whole stack lies at one.
  return { ...parts, instances, stack: shareOrientation(planes) ? stackOf(planes) : null };
}

function shareOrientation(planes: readonly Plane[]): boolean {
  const [first] = planes;
  return planes.every(({ orientation }) =>
    orientation.every((cosine, index) => Math.abs(cosine - (first?.orientation[index] ?? 0)) <= sameCosine),
  );
}

/** Every attribute that the rules ask for, and the intended use of the cards. */
export function tagsOf(
  rules: readonly CompiledRule[],
  cards: readonly { readonly intendedUse: ModelCard['intendedUse'] }[],
): ReadonlySet<number> {
  const tags = new Set<number>();
  const visit = (condition: Condition): void => {
    if (condition.kind === 'all' || condition.kind === 'any') condition.parts.forEach(visit);
    else if (condition.kind === 'not' || condition.kind === 'anyInstance') visit(condition.part);
    else if (condition.subject.kind === 'attribute') tags.add(condition.subject.tag);
  };
  const conditions = [
    ...rules.map(({ when }) => when),
    ...cards.map(({ intendedUse }) => useCondition(intendedUse.conditions)),
  ];
  for (const condition of conditions) if (condition !== null) visit(condition);
  return tags;
}
