// Requests that limpid makes on an association which a peer has opened, and the peer's answers to them.
import { LimpidError } from '../../errors.js';
import type { Command } from './command.js';
import { invalidMessage } from './pdu.js';
import { answers } from './status.js';

export const associationEnded = (): LimpidError => new LimpidError('DIMSE_ABORTED', 'the association has ended');

export class OwnRequests {
  /** Those without an answer, by message id. */
  readonly #asked = new Map<number, { resolve: (status: number) => void; reject: (error: Error) => void }>();
  #lastMessageId = 0;

  /** Has `send` write a request under a new message id. @returns the peer's status; rejects where the association ends before */
  ask(send: (messageId: number) => void): Promise<number> {
    this.#lastMessageId = (this.#lastMessageId % 0xffff) + 1;
    const messageId = this.#lastMessageId;
    return new Promise((resolve, reject) => {
      this.#asked.set(messageId, { resolve, reject });
      send(messageId);
    });
  }

  /** Takes a response. @throws LimpidError where no request waits for it */
  answered({ respondedTo = -1, status }: Command): void {
    const asked = this.#asked.get(respondedTo);
    if (asked === undefined) throw invalidMessage('a response that nobody asked for');
    this.#asked.delete(respondedTo);
    asked.resolve(status ?? answers.failure.status);
  }

  /** The association has ended: no answer comes any more. */
  end(): void {
    for (const { reject } of this.#asked.values()) reject(associationEnded());
    this.#asked.clear();
  }
}
