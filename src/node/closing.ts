import type { Log } from '../observe/log.js';

/**
 * Things to close, in the order they were opened; closed the other way round, whatever one of them says. What takes work stops
 * first, all of it at once: a job that a drain has ended would begin anew while an association still ends.
 */
export class Closing {
  readonly #takers: (() => Promise<void>)[] = [];
  readonly #steps: (() => Promise<void> | void)[] = [];

  add(step: () => Promise<void> | void): void {
    this.#steps.push(step);
  }

  /** Adds what takes work from outside: calls, jobs. */
  addTaker(stop: () => Promise<void>): void {
    this.#takers.push(stop);
  }

  async run(log: Log): Promise<void> {
    const fault = (error: unknown): void => log.error('closing failed', { error });
    await Promise.all(this.#takers.splice(0).map((stop) => stop().catch(fault)));
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        fault(error);
      }
    }
  }
}
