/** Float32Arrays that threads share without copying, used again once a slice is done with them. */

/**
 * Memory that several threads see is freed only when each of them has collected its view, and a thread that allocates little
 * collects seldom: without using it again a long series would keep hundreds of megabytes.
 */
export class SharedFloats {
  #spare: Float32Array[] = [];

  /** A shared copy. */
  copy(values: Float32Array): Float32Array {
    const at = this.#spare.findIndex(({ length }) => length === values.length);
    const [spare] = at < 0 ? [] : this.#spare.splice(at, 1);
    const out = spare ?? new Float32Array(new SharedArrayBuffer(values.byteLength));
    out.set(values);
    return out;
  }

  /** Takes back what no thread reads any more. */
  giveBack(...arrays: readonly Float32Array[]): void {
    this.#spare.push(...arrays);
  }

  /** Forgets what was given back: the next series may have other sizes. */
  clear(): void {
    this.#spare = [];
  }
}
