/**
 * Slices that their neighbours look at: each is kept until every neighbour has gone through the model, and no longer. Slices come in
 * runs (`inRuns`), so that this is one slice more than are under way.
 */
import { deferred } from './deferred.js';
import type { Deferred } from './deferred.js';
import type { Besides, ImageNeighbours } from './neighbours.js';

interface Entry<Slice> {
  readonly slice: Deferred<Slice>;
  /** Neighbours that have still to go through the model. */
  borrowers: number;
  /** Its owner is done with it; then whatever has to be given back. */
  left: { readonly slice: Slice | null } | null;
}

export class Lending<Slice> {
  readonly #neighbours: readonly ImageNeighbours[];
  readonly #release: (slice: Slice) => Promise<void>;
  readonly #entries = new Map<number, Entry<Slice>>();
  #failure: { readonly error: unknown } | null = null;

  /** @param release gives back a slice that was left to its neighbours, when the last of them has seen it */
  constructor(neighbours: readonly ImageNeighbours[], release: (slice: Slice) => Promise<void>) {
    this.#neighbours = neighbours;
    this.#release = release;
  }

  /** Offers a decoded slice to its neighbours. */
  lend(index: number, slice: Slice): void {
    this.#entry(index).slice.resolve(slice);
  }

  /** The neighbours of a slice, as soon as they are lent. @throws what `fail` was told */
  async besides(index: number): Promise<Besides<Slice>> {
    const { before, after } = this.#of(index);
    const [first, second] = await Promise.all([this.#lent(before), this.#lent(after)]);
    return { before: first, after: second };
  }

  /** Says that a slice has gone through the model: it looks at its neighbours no more. */
  async seen(index: number): Promise<void> {
    const { before, after } = this.#of(index);
    for (const neighbour of [before, after]) {
      if (neighbour === null) continue;
      const entry = this.#entry(neighbour);
      entry.borrowers -= 1;
      await this.#end(neighbour, entry);
    }
  }

  /** Whether a neighbour of a slice has still to look at it. */
  isLent(index: number): boolean {
    return this.#entry(index).borrowers > 0;
  }

  /** Says that its owner is done with a slice. @param slice what the last of its neighbours gives back; null where it is given back already */
  async leave(index: number, slice: Slice | null): Promise<void> {
    const entry = this.#entry(index);
    entry.left = { slice };
    await this.#end(index, entry);
  }

  /** Ends the waiting of all, now and later. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    for (const { slice } of this.#entries.values()) slice.reject(error);
  }

  #of(index: number): ImageNeighbours {
    return this.#neighbours[index] ?? { before: null, after: null };
  }

  #entry(index: number): Entry<Slice> {
    let entry = this.#entries.get(index);
    if (entry === undefined) {
      const { before, after } = this.#of(index);
      const borrowers = [before, after].filter((neighbour) => neighbour !== null).length;
      entry = { slice: deferred(), borrowers, left: null };
      if (this.#failure !== null) entry.slice.reject(this.#failure.error);
      this.#entries.set(index, entry);
    }
    return entry;
  }

  #lent(index: number | null): Promise<Slice> | null {
    return index === null ? null : this.#entry(index).slice.promise;
  }

  async #end(index: number, entry: Entry<Slice>): Promise<void> {
    const { left } = entry;
    if (entry.borrowers > 0 || left === null) return;
    this.#entries.delete(index);
    if (left.slice !== null) await this.#release(left.slice);
  }
}
