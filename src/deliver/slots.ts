// Who may send to a peer now: a few jobs at a time in this process, the others in line by class, each woken when one ends.
import { placeOf } from '../spool/priority.js';
import type { Priority } from '../spool/records.js';
import type { DeliveryJob } from './job.js';

/** Jobs of one peer at a time in this process, so that a silent peer never takes every consumer. */
const mostJobsOfAPeer = 2;

const nameOf = ({ key, revision, task, peer }: DeliveryJob): string => `${key}.${revision}.${task}.${peer}`;

/** Revisions of a series share instances: two jobs of these at once would each send what the other is sending. */
const sharedBy = ({ key, task }: DeliveryJob): string => `${key}.${task}`;

interface Place {
  readonly job: DeliveryJob;
  readonly priority: Priority;
  /** Within its class the lower goes first. */
  readonly turn: number;
}

export class Slots {
  readonly #running = new Set<string>();
  readonly #line = new Map<string, Place>();
  /** Called out of the line and not come yet: who finds the slot gone when it comes has its place again. */
  readonly #called = new Map<string, Place>();
  /** Slots kept for those that are being woken: who comes by chance meanwhile, of whatever class, does not go before them. */
  readonly #kept = new Map<string, string>();
  /** Those that are still tried to be woken, with a slot kept or not: no more are called than slots are free. */
  readonly #calling = new Set<string>();
  #turns = 0;

  get waiting(): number {
    return this.#line.size;
  }

  /** Takes a slot; false: none is free, or another revision of the series goes out, and the job stands in line. */
  take(job: DeliveryJob, priority: Priority): boolean {
    const [name, shared] = [nameOf(job), sharedBy(job)];
    const isKept = this.#kept.get(shared) === name;
    if (!isKept && !this.#isFree(shared)) {
      this.stand(job, priority);
      return false;
    }
    this.#kept.delete(shared);
    this.#calling.delete(name);
    this.#called.delete(name);
    this.#line.delete(name);
    this.#running.add(shared);
    return true;
  }

  /** Puts a job in line behind all of its class; where it stands in it, or was called out of it, it keeps its turn. */
  stand(job: DeliveryJob, priority: Priority): void {
    const name = nameOf(job);
    const before = this.#line.get(name) ?? this.#called.get(name);
    this.#called.delete(name);
    this.#line.set(name, { job, priority, turn: before?.turn ?? this.#turns++ });
  }

  /** Gives the slot of a job back. */
  free(job: DeliveryJob): void {
    this.#running.delete(sharedBy(job));
  }

  /** Calls as many of the line as slots are free, the first of the first class first; of a series one. The slots are kept for them. */
  next(): DeliveryJob[] {
    // Nobody stands between them, and those that another process has taken never come.
    if (this.#line.size === 0) this.#called.clear();
    const jobs: DeliveryJob[] = [];
    const inOrder = [...this.#line.values()].toSorted(
      (a, b) => placeOf[a.priority] - placeOf[b.priority] || a.turn - b.turn,
    );
    for (const place of inOrder) {
      const [name, shared] = [nameOf(place.job), sharedBy(place.job)];
      if (this.#running.size + this.#calling.size >= mostJobsOfAPeer) break;
      if (!this.#isFree(shared)) continue;
      this.#line.delete(name);
      this.#called.set(name, place);
      this.#calling.add(name);
      this.#kept.set(shared, name);
      jobs.push(place.job);
    }
    return jobs;
  }

  /** A job that was called is on its way, or was not found at once: its slot is kept no longer. */
  release(job: DeliveryJob): void {
    if (this.#kept.get(sharedBy(job)) === nameOf(job)) this.#kept.delete(sharedBy(job));
  }

  /** No more is tried to wake a job that was called; where it is gone, so is its place. */
  settle(job: DeliveryJob, isGone: boolean): void {
    this.release(job);
    this.#calling.delete(nameOf(job));
    if (isGone) this.#called.delete(nameOf(job));
  }

  #isFree(shared: string): boolean {
    const taken = this.#running.size + this.#kept.size;
    return taken < mostJobsOfAPeer && !this.#running.has(shared) && !this.#kept.has(shared);
  }
}
