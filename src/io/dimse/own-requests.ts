// Requests that limpid makes on an association which a peer has opened, and the peer's answers to them.
import { within } from '../../deadline.js';
import { LimpidError } from '../../errors.js';
import type { Command } from './command.js';
import { invalidMessage } from './pdu.js';
import { answers } from './status.js';

export const associationEnded = (): LimpidError => new LimpidError('DIMSE_ABORTED', 'the association has ended');

export class OwnRequests {
  /** Those without an answer, by message id; those too that nobody waits for any more: a late answer is none that nobody asked for. */
  readonly #asked = new Map<number, { resolve: (status: number) => void; reject: (error: Error) => void }>();
  #lastMessageId = 0;

  /**
   * Has `send` write a request under a new message id. A peer that goes on with requests of its own and never answers keeps the association:
   * what it brings there counts for more than this answer.
   *
   * @returns the peer's status; rejects where the association ends before, or no answer has come after `responseMs`
   */
  ask(responseMs: number, send: (messageId: number) => void): Promise<number> {
    this.#lastMessageId = (this.#lastMessageId % 0xffff) + 1;
    const messageId = this.#lastMessageId;
    const answered = new Promise<number>((resolve, reject) => {
      this.#asked.set(messageId, { resolve, reject });
      send(messageId);
    });
    return within(responseMs, answered, () => {
      throw new LimpidError('DIMSE_TIMEOUT', `no response within ${responseMs} ms`);
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
