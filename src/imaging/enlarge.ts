import type { Slice } from './slice.js';

/** Bilinear enlargement, pixel areas aligned, beyond the outer centres the nearest value. */
export function enlarge(coarse: Slice, rows: number, columns: number): Float32Array {
  const out = new Float32Array(rows * columns);
  const place = (i: number, from: number, to: number): [number, number] => {
    const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
    const low = Math.min(Math.floor(at), Math.max(0, from - 2));
    return [low, at - low];
  };
  const across = Array.from({ length: columns }, (_, c) => place(c, coarse.columns, columns));
  const lowers = Int32Array.from(across, ([low]) => low);
  const shares = Float32Array.from(across, ([, share]) => share);
  const line = new Float32Array(coarse.columns + 1);
  for (let r = 0, to = 0; r < rows; r++) {
    const [low, share] = place(r, coarse.rows, rows);
    const next = Math.min(low + 1, coarse.rows - 1);
    for (let c = 0; c < coarse.columns; c++) {
      line[c] =
        coarse.values[low * coarse.columns + c]! * (1 - share) + coarse.values[next * coarse.columns + c]! * share;
    }
    line[coarse.columns] = line[coarse.columns - 1]!;
    for (let c = 0; c < columns; c++, to++) {
      const at = lowers[c]!;
      out[to] = line[at]! + shares[c]! * (line[at + 1]! - line[at]!);
    }
  }
  return out;
}
