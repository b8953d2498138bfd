// Priorities that share a queue fairly between sources: a sender of 10,000 series does not starve the others.
import { placeOf } from '../spool/priority.js';
import { priority as classes } from '../spool/records.js';
import type { Priority } from '../spool/records.js';

/** BullMQ takes priorities from 0 (first) to 2^21 - 1 = 2,097,151. */
const classWidth = 600_000;

/** The ranks of each class. */
export const classRanges = Object.values(placeOf).map((place) => ({
  from: place * classWidth + 1,
  below: (place + 1) * classWidth + 1,
}));

/**
 * BullMQ priority of a job: class x 600,000 + 1 + jobs of the same source and class that already wait, at most 1,800,000. Never 0,
 * which BullMQ serves before all others. A source's n-th waiting job so comes after the other sources' first n - 1.
 */
export function priorityOf(priority: Priority, waitingOfSource: number): number {
  return placeOf[priority] * classWidth + 1 + Math.min(waitingOfSource, classWidth - 1);
}

/** The class of a BullMQ priority. */
export function classOf(rank: number): Priority {
  const place = Math.floor((rank - 1) / classWidth);
  return classes.options.find((one) => placeOf[one] === place) ?? 'routine';
}

/**
 * Counts the waiting jobs of each source that this process has added. Shares are between jobs of one adding process: one receiver
 * adds all series of a spool; tasks are added by whichever worker routed the series, itself in fair order.
 */
export class FairShare {
  readonly #sourceOf = new Map<string, string>();
  readonly #waiting = new Map<string, number>();

  /** Jobs of this source and class that wait. */
  waitingOf(source: string, priority: Priority): number {
    return this.#waiting.get(`${priority} ${source}`) ?? 0;
  }

  /** @returns false where the job was counted already */
  added(id: string, source: string, priority: Priority): boolean {
    if (this.#sourceOf.has(id)) return false;
    const name = `${priority} ${source}`;
    this.#sourceOf.set(id, name);
    this.#waiting.set(name, (this.#waiting.get(name) ?? 0) + 1);
    return true;
  }

  /** The job waits no longer: it was started, ended, delayed or removed. */
  left(id: string): void {
    const name = this.#sourceOf.get(id);
    if (name === undefined) return;
    this.#sourceOf.delete(id);
    const rest = (this.#waiting.get(name) ?? 1) - 1;
    if (rest > 0) this.#waiting.set(name, rest);
    else this.#waiting.delete(name);
  }

  /** The store was emptied. */
  clear(): void {
    this.#sourceOf.clear();
    this.#waiting.clear();
  }
}
