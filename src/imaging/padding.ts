/** Pixels outside the field of view, which a scanner marks as padding: given values that no filter sees an edge in. */
import type { Slice } from './slice.js';

/** Pixels by which the image goes on into its padding: further than any interpolating kernel, and a spline's tail, look. */
const kernelRings = 8;

/**
 * Lets the image go on into its padding, in place: ring by ring each pixel takes the mean of its neighbours that have a value, and
 * beyond the last ring the lowest value of the image. The edge of the field of view rings otherwise: it is an edge of the picture, not
 * of the body.
 *
 * @param mask 1 where a pixel is padding; null: none is
 * @param rings how far it goes on, pixels
 */
export function continuePadding({ rows, columns, values }: Slice, mask: Uint8Array | null, rings = kernelRings): void {
  if (mask === null) return;
  let lowest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < values.length; i++) if (mask[i] === 0) lowest = Math.min(lowest, values[i]!);
  if (!Number.isFinite(lowest)) return;
  const known = mask.map((padded) => 1 - padded);
  const neighbours = (at: number): number[] => {
    const [r, c] = [Math.floor(at / columns), at % columns];
    const found: number[] = [];
    for (let y = Math.max(0, r - 1); y <= Math.min(rows - 1, r + 1); y++)
      for (let x = Math.max(0, c - 1); x <= Math.min(columns - 1, c + 1); x++)
        if (y !== r || x !== c) found.push(y * columns + x);
    return found;
  };
  let edge: number[] = [];
  for (let i = 0; i < values.length; i++)
    if (mask[i] === 1 && neighbours(i).some((at) => known[at] === 1)) edge.push(i);
  for (let ring = 0; ring < rings && edge.length > 0; ring++) {
    const next = new Set<number>();
    for (const at of edge) {
      let [sum, count] = [0, 0];
      for (const near of neighbours(at)) {
        if (known[near] === 1) [sum, count] = [sum + values[near]!, count + 1];
        else next.add(near);
      }
      values[at] = sum / count;
    }
    for (const at of edge) {
      known[at] = 1;
      next.delete(at);
    }
    edge = [...next];
  }
  for (let i = 0; i < values.length; i++) if (known[i] === 0) values[i] = lowest;
}

/**
 * The slice with the image gone on into all of its padding, for a filter that looks far; itself where it has none.
 *
 * @param mask as for `continuePadding`
 */
export function withoutPadding(slice: Slice, mask: Uint8Array | null): Slice {
  if (mask === null || !mask.includes(1) || !mask.includes(0)) return slice;
  const filled = { ...slice, values: slice.values.slice() };
  continuePadding(filled, mask, Infinity);
  return filled;
}

/** HU below which nothing lies: air is -1000, and its noise does not reach this. */
const lowestOfMatter = -1500;

/**
 * Enlarges a CT slice whose scanner filled the corners outside the round field of view with a value of no matter (often -2000) and did
 * not say so: the image goes on into them for the kernel, and they keep their value.
 *
 * @param slice HU; not changed
 * @param enlarge to `scale` x `scale` pixels in place of one
 */
export function enlargedField(slice: Slice, scale: number, enlarge: (slice: Slice) => Slice): Slice {
  const { rows, columns, values } = slice;
  const outside = Uint8Array.from(values, (value) => (value < lowestOfMatter ? 1 : 0));
  if (!outside.includes(1) || !outside.includes(0)) return enlarge(slice);
  const filled = { rows, columns, values: values.slice() };
  continuePadding(filled, outside);
  const fine = enlarge(filled);
  for (let r = 0, to = 0; r < fine.rows; r++) {
    const line = Math.floor(r / scale) * columns;
    for (let c = 0; c < fine.columns; c++, to++) {
      const from = line + Math.floor(c / scale);
      if (outside[from] === 1) fine.values[to] = values[from]!;
    }
  }
  return fine;
}
