// Buffers in which arriving bytes are gathered for one write: used again, so that their pages are there and nothing is collected.

/** Bytes of one write. Smaller ones cost more calls; larger ones leave more to be written behind an instance's last byte. */
export const bufferBytes = 256 * 1024;
/** Buffers that are kept while nobody uses them. */
const idleBuffers = 16;

export class WriteBuffers {
  readonly #idle: Buffer[] = [];

  take(): Buffer {
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
  }

  /** Nobody may hold it any more. */
  give(buffer: Buffer): void {
    if (this.#idle.length < idleBuffers) this.#idle.push(buffer);
  }
}
