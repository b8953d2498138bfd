// Who may send to a peer now: a few jobs at a time in this process, the others in line, each woken when one ends.
import type { DeliveryJob } from './job.js';

/** Jobs of one peer at a time in this process, so that a silent peer never takes every consumer. */
const mostJobsOfAPeer = 2;

const nameOf = ({ key, revision, task, peer }: DeliveryJob): string => `${key}.${revision}.${task}.${peer}`;

/** Revisions of a series share instances: two jobs of these at once would each send what the other is sending. */
const sharedBy = ({ key, task }: DeliveryJob): string => `${key}.${task}`;

export class Slots {
  readonly #running = new Set<string>();
  readonly #line = new Map<string, DeliveryJob>();

  get waiting(): number {
    return this.#line.size;
  }

  /** Takes a slot; false: none is free, or another revision of the series goes out, and the job stands in line. */
  take(job: DeliveryJob): boolean {
    if (this.#running.size >= mostJobsOfAPeer || this.#running.has(sharedBy(job))) {
      this.stand(job);
      return false;
    }
    this.#line.delete(nameOf(job));
    this.#running.add(sharedBy(job));
    return true;
  }

  /** Puts a job at the end of the line, where it does not stand in it. */
  stand(job: DeliveryJob): void {
    if (!this.#line.has(nameOf(job))) this.#line.set(nameOf(job), job);
  }

  /** Gives the slot of a job back. */
  free(job: DeliveryJob): void {
    this.#running.delete(sharedBy(job));
  }

  /** As many of the line as slots are free, from its head; of a series one. */
  next(): DeliveryJob[] {
    const found = new Map<string, DeliveryJob>();
    for (const job of this.#line.values()) {
      if (this.#running.size + found.size >= mostJobsOfAPeer) break;
      const shared = sharedBy(job);
      if (!this.#running.has(shared) && !found.has(shared)) found.set(shared, job);
    }
    const jobs = [...found.values()];
    for (const job of jobs) this.#line.delete(nameOf(job));
    return jobs;
  }
}
