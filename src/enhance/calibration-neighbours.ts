// Neighbours of the slices that set the strength: they go through the model before the stream comes to what lies beside them.
import type { Besides, ImageNeighbours } from './neighbours.js';

export class CalibrationNeighbours<Slice> {
  readonly #prepared: ReadonlyMap<number, Promise<Slice>>;
  readonly #decode: (index: number) => Promise<Slice>;
  readonly #decoded = new Map<number, Promise<Slice>>();

  /**
   * @param prepared the slices that set the strength: each other's neighbours where they lie side by side
   * @param decode decodes another image for this alone; asked once for each
   */
  constructor(prepared: ReadonlyMap<number, Promise<Slice>>, decode: (index: number) => Promise<Slice>) {
    this.#prepared = prepared;
    this.#decode = decode;
  }

  /** The slices beside one. */
  async besides(of: ImageNeighbours | undefined): Promise<Besides<Slice>> {
    const [before, after] = await Promise.all([this.#slice(of?.before ?? null), this.#slice(of?.after ?? null)]);
    return { before, after };
  }

  /** What was decoded for this alone, to be given back when all have gone through the model. */
  decoded(): Promise<readonly Slice[]> {
    return Promise.all(this.#decoded.values());
  }

  #slice(index: number | null): Promise<Slice> | null {
    if (index === null) return null;
    const known = this.#prepared.get(index) ?? this.#decoded.get(index);
    if (known !== undefined) return known;
    const decoding = this.#decode(index);
    this.#decoded.set(index, decoding);
    return decoding;
  }
}
