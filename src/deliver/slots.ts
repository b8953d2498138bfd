// Who may send to a peer now: a few jobs at a time in this process, the others in line, each woken when one ends.
import type { DeliveryJob } from './job.js';

/** Jobs of one peer at a time in this process, so that a silent peer never takes every consumer. */
const mostJobsOfAPeer = 2;

const nameOf = ({ key, revision, task, peer }: DeliveryJob): string => `${key}.${revision}.${task}.${peer}`;

export class Slots {
  #running = 0;
  readonly #line = new Map<string, DeliveryJob>();

  get waiting(): number {
    return this.#line.size;
  }

  /** Takes a slot; false: none is free, and the job stands in line. */
  take(job: DeliveryJob): boolean {
    if (this.#running >= mostJobsOfAPeer) {
      this.stand(job);
      return false;
    }
    this.#line.delete(nameOf(job));
    this.#running += 1;
    return true;
  }

  /** Puts a job at the end of the line, where it does not stand in it. */
  stand(job: DeliveryJob): void {
    if (!this.#line.has(nameOf(job))) this.#line.set(nameOf(job), job);
  }

  /** Gives the slot back. */
  free(): void {
    this.#running -= 1;
  }

  /** As many from the head of the line as slots are free. */
  next(): DeliveryJob[] {
    const jobs = [...this.#line.values()].slice(0, Math.max(0, mostJobsOfAPeer - this.#running));
    for (const job of jobs) this.#line.delete(nameOf(job));
    return jobs;
  }
}
