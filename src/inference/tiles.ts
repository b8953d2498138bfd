/** Cutting a large slice into overlapping tiles, so that a network's memory does not grow with the matrix. */

/** One tile: the window the network sees, and the part of its output that is kept. Pixels, half-open. */
export interface Tile {
  readonly window: { readonly top: number; readonly left: number; readonly rows: number; readonly columns: number };
  readonly kept: { readonly top: number; readonly left: number; readonly rows: number; readonly columns: number };
}

export interface Tiling {
  /** Rows and columns that one tile keeps; larger slices are cut. */
  readonly side: number;
  /** What a tile sees beyond what it keeps, at least the network's reach: then tiles give what the whole would. */
  readonly halo: number;
}

/** Where one axis is cut: parts of at most `side`, with their windows. */
function cuts(
  length: number,
  { side, halo }: Tiling,
  multipleOf: number,
): { at: number; size: number; from: number; to: number }[] {
  const parts = Math.ceil(length / side);
  // Starts must lie on the network's own grid: a window that starts between is another image to it.
  const step = Math.ceil(length / parts / multipleOf) * multipleOf;
  const reach = Math.ceil(halo / multipleOf) * multipleOf;
  const out: { at: number; size: number; from: number; to: number }[] = [];
  for (let at = 0; at < length; at += step) {
    const size = Math.min(step, length - at);
    out.push({ at, size, from: Math.max(0, at - reach), to: Math.min(length, at + size + reach) });
  }
  return out;
}

/**
 * Tiles that cover a slice once.
 *
 * @param tiling null: one tile
 * @param multipleOf windows start at multiples of it
 */
export function tilesOf(rows: number, columns: number, tiling: Tiling | null, multipleOf: number): Tile[] {
  const whole = { top: 0, left: 0, rows, columns };
  if (tiling === null || (rows <= tiling.side && columns <= tiling.side)) return [{ window: whole, kept: whole }];
  return cuts(rows, tiling, multipleOf).flatMap((row) =>
    cuts(columns, tiling, multipleOf).map((column) => ({
      window: { top: row.from, left: column.from, rows: row.to - row.from, columns: column.to - column.from },
      kept: { top: row.at, left: column.at, rows: row.size, columns: column.size },
    })),
  );
}

/** A window of a plane. @param stride columns of the plane */
export function cutWindow(
  values: Float32Array,
  stride: number,
  { top, left, rows, columns }: Tile['window'],
): Float32Array {
  const out = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    const from = (top + r) * stride + left;
    out.set(values.subarray(from, from + columns), r * columns);
  }
  return out;
}
