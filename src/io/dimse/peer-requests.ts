// What the peer asks on an association that limpid has opened: reports of storage commitment. Each is read and answered.
import type { Association } from './association.js';
import { type Command, encodeCommand } from './command.js';
import { Gathered } from './gathered.js';
import type { Limits } from './limits.js';
import type { AcceptedContext } from './negotiate.js';
import { AbortReason, AbortSource, encodeData, invalidMessage } from './pdu.js';
import { responseTo } from './response.js';
import type { StoreAnswer } from './sink.js';
import { answers } from './status.js';

/** What the peer may ask on an association that limpid has opened: its data set is at most `otherDataSetBytes` long. */
export interface PeerRequest {
  readonly contextId: number;
  readonly transferSyntaxUid: string;
  readonly command: Command;
  readonly dataSet: Buffer;
}

export class PeerRequests {
  readonly #association: Association;
  readonly #limits: Limits;
  readonly #serve: ((request: PeerRequest) => Promise<StoreAnswer>) | null;
  /** The request whose data set is being read. */
  #asked: { readonly contextId: number; readonly command: Command; readonly dataSet: Gathered } | null = null;
  /** Those being answered. */
  readonly #answering = new Set<Promise<void>>();

  constructor(
    association: Association,
    limits: Limits,
    serve: ((request: PeerRequest) => Promise<StoreAnswer>) | null,
  ) {
    this.#association = association;
    this.#limits = limits;
    this.#serve = serve;
  }

  /** Takes the command of a request. @returns false where it cannot be answered */
  begin(contextId: number, command: Command): boolean {
    if (this.#serve === null || command.messageId === undefined) return false;
    this.#asked = { contextId, command, dataSet: new Gathered() };
    return true;
  }

  value(slice: Uint8Array): void {
    if (this.#asked === null) return;
    const { dataSet } = this.#asked;
    if (dataSet.length + slice.length > this.#limits.otherDataSetBytes)
      throw invalidMessage('the data set of a request is too long');
    dataSet.add(slice);
  }

  /** The request is complete. @param room what one PDV to the peer may carry */
  end(contexts: ReadonlyMap<number, AcceptedContext>, room: number): void {
    const asked = this.#asked;
    this.#asked = null;
    if (asked === null || this.#serve === null) return;
    const { contextId, command, dataSet } = asked;
    const transferSyntaxUid = contexts.get(contextId)?.transferSyntaxUid ?? '';
    const answering = this.#serve({ contextId, transferSyntaxUid, command, dataSet: dataSet.bytes })
      .catch((): StoreAnswer => answers.failure)
      .then((answer) => {
        const response = encodeCommand(responseTo(command, answer));
        this.#association.write(encodeData(contextId, 'command', response, room));
      })
      .catch(() => {
        const why = 'an answer could not be written';
        this.#association.abort({ source: AbortSource.User, reason: AbortReason.NotSpecified }, why);
      })
      .finally(() => {
        this.#answering.delete(answering);
        this.#holdUnanswered();
      });
    this.#answering.add(answering);
    this.#holdUnanswered();
  }

  /** Resolves when every request that had come to its end is answered. */
  async answered(): Promise<void> {
    await Promise.all(this.#answering);
  }

  /** Nothing more is read of a peer that asks faster than it is answered. */
  #holdUnanswered(): void {
    if (this.#answering.size > this.#limits.unanswered) this.#association.pause('unanswered');
    else this.#association.resume('unanswered');
  }
}
