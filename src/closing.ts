import type { Log } from './observe/log.js';

/** Things to close, in the order they were opened; closed the other way round, whatever one of them says. */
export class Closing {
  readonly #steps: (() => Promise<void> | void)[] = [];

  add(step: () => Promise<void> | void): void {
    this.#steps.push(step);
  }

  async run(log: Log): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        log.error('closing failed', { error });
      }
    }
  }
}
