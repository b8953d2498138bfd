// Buffers in which arriving bytes are gathered for writing: shared with the threads that write, and used again, so that their pages are
// there and nothing is collected.

/** Bytes of one buffer. Several go to the disk in one call, so that small ones cost nothing but hold little of a stalled sender's. */
const bufferBytes = 128 * 1024;
/** Buffers that are kept while nobody uses them (32 MB): one that is dropped stays until each thread that saw it has collected it. */
const idleBuffers = 256;
/** With more than these in use (8 MB) each is written as soon as it is full. */
const plentifulBuffers = 64;

export class WriteBuffers {
  readonly #idle: Buffer[] = [];
  #used = 0;

  /** Whether so many are in use that none should wait for others to be written with. */
  get areScarce(): boolean {
    return this.#used > plentifulBuffers;
  }

  take(): Buffer {
    this.#used++;
    return this.#idle.pop() ?? Buffer.from(new SharedArrayBuffer(bufferBytes));
  }

  /** Nobody may hold it any more. */
  give(buffer: Buffer): void {
    this.#used--;
    if (this.#idle.length < idleBuffers) this.#idle.push(buffer);
  }
}
