/**
 * Which images of a series lie on either side of each: what a network sees that looks at three slices. Wrong is worse than less gain:
 * where headers leave a doubt, an image has no neighbour on that side.
 *
 * Neighbours lie on one grid (rows, columns, spacing, orientation), one behind the other along the normal, no more than half a pixel
 * aside. Images of different times, phases, acquisitions or kinds are neighbours only where these share no region of the body (a step
 * and shoot scan numbers its rotations). Where several images lie at one position, neighbours must agree in something that tells each
 * from those beside it.
 */
import { normalOf } from '../dicom/geometry.js';
import type { ImagePlace } from '../dicom/image-place.js';
import type { ModelCard } from '../inference/card.js';

/** What lies on either side of an image, along the normal; null: there is none. */
export interface Besides<T> {
  readonly before: T | null;
  readonly after: T | null;
}

/** The images on either side of one, as indices. */
export type ImageNeighbours = Besides<number>;

/** Distances along the normal at which an image is a neighbour, mm. */
export type NeighbourRange = NonNullable<NonNullable<ModelCard['input']>['neighbourMm']>;

/** Positions nearer than this are one position, mm: scanners write them with 3 to 6 decimals. */
const samePosition = 0.005;
/** Largest difference of one direction cosine, and of a spacing in mm, on one grid: both are written with few decimals. */
const sameCosine = 0.001;
const sameSpacing = 1e-4;
/** Pixels by which a neighbour may lie aside: gantry tilt moves thick slices by more. */
const mostAside = 0.5;
/** What rounding of positions may add, mm. */
const rounding = 0.01;

const dot = (a: readonly number[], b: readonly number[]): number =>
  (a[0] ?? 0) * (b[0] ?? 0) + (a[1] ?? 0) * (b[1] ?? 0) + (a[2] ?? 0) * (b[2] ?? 0);

/** Whether the header of an image places its pixels. */
function isPlaced({ spacing, orientation, position }: ImagePlace): boolean {
  if (position.length !== 3 || spacing.length !== 2 || normalOf(orientation) === null) return false;
  return [...position, ...spacing].every(Number.isFinite);
}

const near = (a: readonly number[], b: readonly number[], within: number): boolean =>
  a.every((value, index) => Math.abs(value - (b[index] ?? Number.NaN)) <= within);

/** Whether two images that are placed have their pixels on one grid, but for where it lies. */
function haveOneGrid(one: ImagePlace, other: ImagePlace): boolean {
  return (
    one.rows === other.rows &&
    one.columns === other.columns &&
    near(one.spacing, other.spacing, sameSpacing) &&
    near(one.orientation, other.orientation, sameCosine)
  );
}

/** Where an image lies from another of its grid, mm: along the normal, and in pixels aside. */
function offset(from: ImagePlace, to: ImagePlace): { readonly along: number; readonly aside: number } {
  const step = to.position.map((value, axis) => value - (from.position[axis] ?? 0));
  const [betweenRows = 1, betweenColumns = 1] = from.spacing;
  const right = Math.max(0, Math.abs(dot(step, from.orientation.slice(0, 3))) - rounding) / betweenColumns;
  const down = Math.max(0, Math.abs(dot(step, from.orientation.slice(3))) - rounding) / betweenRows;
  return { along: dot(step, normalOf(from.orientation) ?? []), aside: Math.max(right, down) };
}

/** Whether an image may be what another sees after it, by their places alone. */
export function liesAfter(place: ImagePlace, after: ImagePlace, { atLeast, atMost }: NeighbourRange): boolean {
  if (!isPlaced(place) || !isPlaced(after) || !haveOneGrid(place, after)) return false;
  const { along, aside } = offset(place, after);
  return along >= atLeast - samePosition && along <= atMost + samePosition && aside <= mostAside;
}

/** The images at one position. */
interface Level {
  readonly along: number;
  readonly images: number[];
  /** By attribute and value: the one image that has it; null: several have. Made when it is asked for. */
  sole: readonly ReadonlyMap<string, number | null>[] | null;
}

/** Images of one grid, and where each time, phase, acquisition or kind begins and ends. */
class Grid {
  readonly #places: readonly ImagePlace[];
  /** Images of each position, by rising position. */
  readonly #levels: Level[] = [];
  /** By attribute: from where to where each of its values reaches. */
  readonly #reach: Map<string | null, { low: number; high: number }>[] = [];

  constructor(places: readonly ImagePlace[], images: readonly number[]) {
    this.#places = places;
    const normal = normalOf(this.#place(images[0]).orientation) ?? [0, 0, 1];
    const sorted = images
      .map((image) => ({ image, along: dot(this.#place(image).position, normal) }))
      .toSorted((a, b) => a.along - b.along || a.image - b.image);
    let last = Number.NEGATIVE_INFINITY;
    for (const { image, along } of sorted) {
      if (along - last <= samePosition) this.#levels.at(-1)?.images.push(image);
      else this.#levels.push({ along, images: [image], sole: null });
      last = along;
      for (const [attribute, value] of this.#place(image).told.entries()) {
        const reach = (this.#reach[attribute] ??= new Map<string | null, { low: number; high: number }>());
        const known = reach.get(value);
        if (known === undefined) reach.set(value, { low: along, high: along });
        else known.high = along;
      }
    }
  }

  #place(image: number | undefined): ImagePlace {
    const place = this.#places[image ?? -1];
    if (place === undefined) throw new TypeError('an image without a place');
    return place;
  }

  /** Whether nothing says that two images are of different times or kinds of one region. */
  #isOfOne(image: number, other: number): boolean {
    const [mine, its] = [this.#place(image).told, this.#place(other).told];
    return mine.every((value, attribute) => {
      const theirs = its[attribute] ?? null;
      if (value === theirs) return true;
      const [a, b] = [this.#reach[attribute]?.get(value), this.#reach[attribute]?.get(theirs)];
      if (a === undefined || b === undefined) return false;
      return a.high < b.low - samePosition || b.high < a.low - samePosition;
    });
  }

  #soleOf(level: Level): NonNullable<Level['sole']> {
    if (level.sole !== null) return level.sole;
    const sole: Map<string, number | null>[] = [];
    for (const image of level.images) {
      for (const [attribute, value] of this.#place(image).told.entries()) {
        const known = (sole[attribute] ??= new Map<string, number | null>());
        if (value !== null) known.set(value, known.has(value) ? null : image);
      }
    }
    level.sole = sole;
    return sole;
  }

  /** The one image of another level that agrees with this one in what tells each of them from those at its own position. */
  #counterpart(image: number, here: Level, there: Level): number | null {
    if (here.images.length === 1 && there.images.length === 1) return there.images[0] ?? null;
    const [beside, others] = [this.#soleOf(here), this.#soleOf(there)];
    for (const [attribute, value] of this.#place(image).told.entries()) {
      if (value === null || beside[attribute]?.get(value) !== image) continue;
      const found = others[attribute]?.get(value) ?? null;
      if (found !== null && this.#isOfOne(image, found)) return found;
    }
    return this.#counterpartByAll(image, here, there);
  }

  /**
   * The one that agrees in all that both positions tell, where no attribute alone tells images apart: each of several directions at each
   * of several b-values, each of several echoes at each time.
   */
  #counterpartByAll(image: number, here: Level, there: Level): number | null {
    const [beside, others] = [this.#soleOf(here), this.#soleOf(there)];
    const { told } = this.#place(image);
    const telling = [...told.keys()].filter((attribute) => {
      const value = told[attribute] ?? null;
      return value !== null && (beside[attribute]?.size ?? 0) > 1 && others[attribute]?.has(value) === true;
    });
    const agrees = (other: number): boolean => {
      const its = this.#place(other).told;
      return telling.every((attribute) => its[attribute] === told[attribute]);
    };
    const [found = null, ...more] = there.images.filter(agrees);
    if (found === null || more.length > 0 || here.images.filter(agrees).length > 1) return null;
    return this.#isOfOne(image, found) ? found : null;
  }

  /** The image that this one would have next to it, level by level; null: none, or several that cannot be told apart. */
  #next(level: number, image: number, step: 1 | -1, { atLeast, atMost }: NeighbourRange): number | null {
    const here = this.#levels[level];
    if (here === undefined) return null;
    for (let at = level + step; ; at += step) {
      const there = this.#levels[at];
      if (there === undefined || Math.abs(there.along - here.along) > atMost + 2 * samePosition) return null;
      if (!there.images.some((other) => this.#isOfOne(image, other))) continue;
      const found = this.#counterpart(image, here, there);
      if (found === null) return null;
      const [low, high] = step === 1 ? [image, found] : [found, image];
      return liesAfter(this.#place(low), this.#place(high), { atLeast, atMost }) ? found : null;
    }
  }

  /** Gives each image its neighbours: those that have it as theirs as well. */
  pair(range: NeighbourRange, out: { before: number | null; after: number | null }[]): void {
    const next = new Map<number, { readonly before: number | null; readonly after: number | null }>();
    for (const [level, { images }] of this.#levels.entries()) {
      for (const image of images) {
        const [before, after] = [this.#next(level, image, -1, range), this.#next(level, image, 1, range)];
        next.set(image, { before, after });
      }
    }
    for (const [image, { before, after }] of next) {
      out[image] = {
        before: before !== null && next.get(before)?.after === image ? before : null,
        after: after !== null && next.get(after)?.before === image ? after : null,
      };
    }
  }
}

/** The neighbours of each image, in the order given: `after` of one is the image that has it as `before`. */
export function neighboursOf(places: readonly ImagePlace[], range: NeighbourRange): readonly ImageNeighbours[] {
  const grids: { readonly first: ImagePlace; readonly images: number[] }[] = [];
  for (const [image, place] of places.entries()) {
    if (!isPlaced(place)) continue;
    const grid = grids.find(({ first }) => haveOneGrid(first, place));
    if (grid === undefined) grids.push({ first: place, images: [image] });
    else grid.images.push(image);
  }
  const out = places.map((): { before: number | null; after: number | null } => ({ before: null, after: null }));
  for (const { images } of grids) new Grid(places, images).pair(range, out);
  return out;
}

/** What each image has beside it, the nearest first; of two as near, the one before it. */
export function nearestFirst(
  places: readonly ImagePlace[],
  neighbours: readonly ImageNeighbours[],
): readonly (readonly number[])[] {
  return neighbours.map(({ before, after }, image) => {
    const { position = [] } = places[image] ?? {};
    const distance = (other: number): number =>
      Math.hypot(...(places[other]?.position ?? []).map((value, axis) => value - (position[axis] ?? 0)));
    const beside = [before, after].filter((other) => other !== null);
    // Steps that are one to a header's decimals leave the order as it is.
    return beside.toSorted((a, b) => (Math.abs(distance(a) - distance(b)) <= rounding ? 0 : distance(a) - distance(b)));
  });
}

/** No image has a neighbour. */
export function noNeighbours(count: number): readonly ImageNeighbours[] {
  return Array.from({ length: count }, () => ({ before: null, after: null }));
}

/** How many images have both neighbours, one, none. */
export function countNeighbours(neighbours: readonly ImageNeighbours[]): { both: number; one: number; none: number } {
  const counts = { both: 0, one: 0, none: 0 };
  for (const { before, after } of neighbours) {
    if (before !== null && after !== null) counts.both += 1;
    else if (before !== null || after !== null) counts.one += 1;
    else counts.none += 1;
  }
  return counts;
}

/** `order` with neighbours next to each other: each image that has none before it, and behind it those after it. */
export function inRuns(order: readonly number[], neighbours: readonly ImageNeighbours[]): readonly number[] {
  const runs: number[] = [];
  for (const first of order) {
    if (neighbours[first]?.before !== null) continue;
    for (let image: number | null = first; image !== null; image = neighbours[image]?.after ?? null) runs.push(image);
  }
  return runs;
}
