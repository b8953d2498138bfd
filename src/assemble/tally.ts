// Counts the instances of a series as they come, against what their senders say there are.
import type { AssemblyFacts } from '../spool/arrival.js';

export class Tally {
  #count = 0;
  #ofSeries: number | null = null;
  readonly #acquisitions = new Map<string, { expected: number | null; count: number }>();
  #allWhole = true;

  add({ expected, acquisition, isWhole }: AssemblyFacts): void {
    this.#count += 1;
    this.#ofSeries = expected ?? this.#ofSeries;
    const known = this.#acquisitions.get(acquisition.number) ?? { expected: null, count: 0 };
    const most = acquisition.expected ?? known.expected;
    this.#acquisitions.set(acquisition.number, { expected: most, count: known.count + 1 });
    this.#allWhole &&= isWhole;
  }

  get count(): number {
    return this.#count;
  }

  /** Each is an object with all its frames. */
  get allWhole(): boolean {
    return this.#count > 0 && this.#allWhole;
  }

  /** Number of Series Related Instances, else Images in Acquisition of every acquisition seen together; null where that is not known. */
  get expected(): number | null {
    if (this.#ofSeries !== null) return this.#ofSeries;
    let sum = 0;
    for (const { expected, count } of this.#acquisitions.values()) {
      // One acquisition that has more than it should says that these counts mean something else here.
      if (expected === null || count > expected) return null;
      sum += expected;
    }
    return this.#count === 0 ? null : sum;
  }
}
