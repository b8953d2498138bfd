// Where the frames begin of an object whose frames have several fragments, and no offset table: by the code streams' own beginnings and
// ends (PS3.5 A.4). Within a stream neither can stand: what looks like a marker is stuffed there.
import { hasBeginning, hasEnd } from './code-stream.js';
import { joined } from './element.js';

/** Bytes at either end of a fragment that tell of its stream: a marker, and what fills up behind it. */
export const edgeBytes = 16;
/** A last fragment of so few may hold the second half of an end alone. */
const halfAnEnd = 3;

/** Takes the edges of all fragments in their order. */
export class StreamStarts {
  readonly #starts: number[] = [];
  #count = 0;
  #former: Uint8Array = new Uint8Array(0);
  #isEnded = true;
  #isCertain = true;

  /** @param head first bytes of the next fragment. @param tail its last `edgeBytes`, or all that it has */
  add(head: Uint8Array, tail: Uint8Array): void {
    const isBegun = hasBeginning(head);
    // Each stream begins where the one before has ended, and nowhere else.
    this.#isCertain &&= isBegun === this.#isEnded;
    if (isBegun) this.#starts.push(this.#count);
    this.#isEnded = hasEnd(tail.length > halfAnEnd ? tail : joined([this.#former, tail]));
    this.#former = tail;
    this.#count++;
  }

  /** Index of the first fragment of each stream; none where one of them is not whole. */
  get whole(): readonly number[] {
    return this.#isCertain && this.#isEnded ? this.#starts : [];
  }
}
