// A volume that does not answer: calls to a network share whose server is gone come back after hours or never, and each holds a thread.
// One is waited for so long; until it has come back nobody asks again.
import { stopLeaveMs, within } from '../deadline.js';

/** As the file system would say it, had it a time limit. */
class NoAnswer extends Error {
  readonly code = 'ETIMEDOUT';
  constructor() {
    super('the volume does not answer');
  }
}

/** Calls to one volume. */
export class Patience {
  readonly #stuck = new Set<Promise<unknown>>();
  readonly #leaveMs: number;

  /** @param leaveMs whoever is told to stop waits so long for a call that may be about to end */
  constructor(leaveMs = stopLeaveMs) {
    this.#leaveMs = leaveMs;
  }

  /**
   * Calls, and waits no longer than `withinMs`. What is done after that is done all the same, and nobody hears of it.
   *
   * @throws Error with code ETIMEDOUT: not answered in time, or an earlier call has not come back yet; what `call` throws
   */
  async wait<T>(call: () => Promise<T>, withinMs: number, signal?: AbortSignal): Promise<T> {
    if (this.#stuck.size > 0) throw new NoAnswer();
    const answered = call();
    const noAnswer = (): never => {
      this.#standBy(answered);
      throw new NoAnswer();
    };
    return within(withinMs, answered, noAnswer, { signal, leaveMs: this.#leaveMs });
  }

  #standBy(answered: Promise<unknown>): void {
    const back = (): void => void this.#stuck.delete(answered);
    this.#stuck.add(answered);
    answered.then(back, back);
  }
}
