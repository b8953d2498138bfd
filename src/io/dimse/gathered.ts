// Bytes that come in pieces and are kept as one. A peer may send each byte in a PDV of its own: an object for each would take a
// hundred times its memory.

const leastBytes = 256;

export class Gathered {
  #bytes = Buffer.alloc(0);
  #fill = 0;

  get length(): number {
    return this.#fill;
  }
  /** What has come so far. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#fill);
  }

  /** Takes a copy. */
  add(piece: Uint8Array): void {
    const fill = this.#fill + piece.length;
    if (fill > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(fill, 2 * this.#bytes.length, leastBytes));
      grown.set(this.bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(piece, this.#fill);
    this.#fill = fill;
  }
}
