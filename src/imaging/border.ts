import { reflected } from './gaussian.js';
import type { Slice } from './slice.js';

/** The slice with `width` more pixels on each side, mirrored at the border with the edge pixel repeated. */
export function withBorder(slice: Slice, width: number): Slice {
  const { rows, columns, values } = slice;
  const out = new Float32Array((rows + 2 * width) * (columns + 2 * width));
  for (let r = -width, to = 0; r < rows + width; r++) {
    const from = reflected(r, rows) * columns;
    for (let c = -width; c < 0; c++) out[to++] = values[from + reflected(c, columns)]!;
    out.set(values.subarray(from, from + columns), to);
    to += columns;
    for (let c = columns; c < columns + width; c++) out[to++] = values[from + reflected(c, columns)]!;
  }
  return { rows: rows + 2 * width, columns: columns + 2 * width, values: out };
}
