// Requests of a peer that are not answered yet: their answers go out in the order of the requests.
import { type Command, encodeCommand } from './command.js';
import { CommandField } from './constants.js';
import { responseTo } from './response.js';
import type { StoreAnswer } from './sink.js';

export interface PendingAnswer {
  readonly contextId: number;
  readonly request: Command;
  answer: StoreAnswer | null;
}

export class PendingAnswers {
  readonly #write: (contextId: number, response: Buffer) => void;
  readonly #line: PendingAnswer[] = [];
  #refusals = 0;

  /** @param write sends a response, a whole command set */
  constructor(write: (contextId: number, response: Buffer) => void) {
    this.#write = write;
  }

  get count(): number {
    return this.#line.length;
  }
  /** C-STORE requests that were not answered with success. */
  get refusals(): number {
    return this.#refusals;
  }

  /** Whether a request under this message id waits for its answer. */
  has(messageId: number | undefined): boolean {
    return this.#line.some(({ request }) => request.messageId === messageId);
  }

  add(contextId: number, request: Command): PendingAnswer {
    const pending: PendingAnswer = { contextId, request, answer: null };
    this.#line.push(pending);
    return pending;
  }

  /** Forgets one whose data set has not come to its end. */
  drop(pending: PendingAnswer): void {
    const index = this.#line.indexOf(pending);
    if (index >= 0) this.#line.splice(index, 1);
  }

  /** Writes what is answered up to the first request that is not. @param reading its data set is still to come: it holds the others up */
  answer(pending: PendingAnswer, answer: StoreAnswer, reading: PendingAnswer | null): void {
    pending.answer = answer;
    for (let first = this.#line[0]; first?.answer && first !== reading; first = this.#line[0]) {
      this.#line.shift();
      if (first.request.field === CommandField.Store && first.answer.status !== 0) this.#refusals++;
      this.#write(first.contextId, encodeCommand(responseTo(first.request, first.answer)));
    }
  }
}
