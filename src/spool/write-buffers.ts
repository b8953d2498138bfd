// Buffers for arriving bytes: connections read into them, small pieces are gathered in them, and the threads that write see them. Used
// again, so that their pages are there and nothing is collected.

/** Bytes of one buffer. Several go to the disk in one call, so that small ones cost nothing but hold little of a stalled sender's. */
const bufferBytes = 128 * 1024;
/** Buffers that are kept while nobody uses them (32 MB): one that is dropped stays until each thread that saw it has collected it. */
const idleBuffers = 256;
/** With more than these in use (8 MB) each is written as soon as it is full, and connections read elsewhere. */
const plentifulBuffers = 64;

interface Held {
  readonly buffer: Buffer;
  holders: number;
}

/** Each buffer is counted: nobody gets it while somebody holds it, and each holder gives it back once. */
export class WriteBuffers {
  readonly #idle: Buffer[] = [];
  readonly #held = new Map<ArrayBufferLike, Held>();

  /** Buffers that somebody holds. */
  get used(): number {
    return this.#held.size;
  }

  /** Whether so many are in use that none should wait for others to be written with. */
  get areScarce(): boolean {
    return this.used > plentifulBuffers;
  }

  /** A buffer with one holder, the caller. */
  take(): Buffer {
    const buffer = this.#idle.pop() ?? Buffer.from(new SharedArrayBuffer(bufferBytes));
    this.#held.set(buffer.buffer, { buffer, holders: 1 });
    return buffer;
  }

  /** Holds the buffer that these bytes lie in. @returns false: they lie in none of them, and are somebody else's */
  hold(bytes: Uint8Array): boolean {
    const held = this.#held.get(bytes.buffer);
    if (held === undefined) return false;
    held.holders++;
    return true;
  }

  /** Whether the buffer that these bytes lie in has more than one holder. */
  isShared(bytes: Uint8Array): boolean {
    return (this.#held.get(bytes.buffer)?.holders ?? 0) > 1;
  }

  /** Gives the buffer back that these bytes lie in: this holder has no bytes of it any more. */
  give(bytes: Uint8Array): void {
    const held = this.#held.get(bytes.buffer);
    if (held === undefined || --held.holders > 0) return;
    this.#held.delete(bytes.buffer);
    if (this.#idle.length < idleBuffers) this.#idle.push(held.buffer);
  }
}
