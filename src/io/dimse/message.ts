// Puts messages together from PDVs (PS3.8 Annex E): a command set, then, where it says so, a data set, all in one context.
import { type Command, decodeCommand } from './command.js';
import { Gathered } from './gathered.js';
import { invalidMessage, invalidPdu } from './pdu.js';

export interface MessageUser {
  /** Whether the presentation context was accepted. */
  isAccepted(contextId: number): boolean;
  /** A command set begins that does not end with its first fragment. */
  commandBegins(): void;
  /** A whole command set. With `hasDataSet`, `dataSetValue` and `dataSetEnd` follow. */
  command(contextId: number, command: Command, isMistyped: boolean): void;
  /** The slice is valid only during the call. */
  dataSetValue(slice: Uint8Array): void;
  dataSetEnd(): void;
}

/**
 * Reads one message after the other. Command bytes are kept up to a limit; data sets pass through as slices.
 * Methods throw ProtocolFault: 2/6 for a context that was not accepted, 0/0 for fragments out of order.
 */
export class MessageReader {
  readonly #user: MessageUser;
  readonly #commandBytes: number;
  #expecting: 'message' | 'command' | 'data' = 'message';
  #contextId = 0;
  #commandSet = new Gathered();
  #isLast = false;

  constructor(user: MessageUser, commandBytes: number) {
    this.#user = user;
    this.#commandBytes = commandBytes;
  }

  /** Whether a message has begun and not ended. */
  get isInsideMessage(): boolean {
    return this.#expecting !== 'message';
  }

  pdvStart(contextId: number, kind: 'command' | 'data', isLast: boolean): void {
    if (!this.#user.isAccepted(contextId)) throw invalidPdu(`presentation context ${contextId} was not accepted`);
    if (this.#expecting === 'message') {
      if (kind === 'data') throw invalidMessage('a data set fragment without a command');
      this.#expecting = 'command';
      this.#contextId = contextId;
      this.#commandSet = new Gathered();
      if (!isLast) this.#user.commandBegins();
    } else if (contextId !== this.#contextId) {
      throw invalidMessage('the presentation context changes within a message');
    } else if (kind !== this.#expecting) {
      throw invalidMessage(`a ${kind} fragment inside a ${this.#expecting === 'data' ? 'data set' : 'command set'}`);
    }
    this.#isLast = isLast;
  }

  pdvValue(slice: Uint8Array): void {
    if (this.#expecting === 'data') {
      this.#user.dataSetValue(slice);
      return;
    }
    if (this.#commandSet.length + slice.length > this.#commandBytes)
      throw invalidMessage(`a command set above ${this.#commandBytes} bytes`);
    this.#commandSet.add(slice);
  }

  pdvEnd(): void {
    if (!this.#isLast) return;
    if (this.#expecting === 'data') {
      this.#expecting = 'message';
      this.#user.dataSetEnd();
      return;
    }
    const { command, isMistyped } = decodeCommand(this.#commandSet.bytes);
    this.#expecting = command.hasDataSet ? 'data' : 'message';
    this.#user.command(this.#contextId, command, isMistyped);
  }
}
