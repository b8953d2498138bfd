/** Whether a network's tiles answer what the whole slice would: their halo must reach as far as the network looks. */
import type { ModelCard } from './card.js';
import { planesOf } from './planes.js';
import type { Session } from './session.js';
import { cutWindow, tilesOf } from './tiles.js';
import type { Tile } from './tiles.js';

/** Of the network's unit: what two ways of summing leave. */
const tolerance = 1e-4;
/** Short side of what is cut, pixels. */
const short = 64;
/** Longer tiles are not tried: hardly a slice is so long, and memory might not do. */
const longest = 8192;

interface Planes {
  readonly count: number;
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

/**
 * Grain around a level that rises along the strip from -0.5 to 0.5, and a noise map of its deviation: one tile is mostly air and another
 * mostly tissue, and a network that looks at the mean, spread or maximum of all it is given must show it.
 */
function grain(count: number, rows: number, columns: number): Planes {
  const size = rows * columns;
  const long = Math.max(rows, columns);
  const values = Float32Array.from({ length: count * size }, (_, at) => {
    const along = rows < columns ? at % columns : Math.floor((at % size) / columns);
    return along / long - 0.5 + 0.05 * Math.sin(at * at);
  });
  return { count, rows, columns, values: values.fill(0.035, size, 2 * size) };
}

/** The same window of every plane. */
function cut({ count, rows, columns, values }: Planes, window: Tile['window']): Planes {
  const size = window.rows * window.columns;
  const out = new Float32Array(count * size);
  for (let plane = 0; plane < count; plane++)
    out.set(cutWindow(values.subarray(plane * rows * columns), columns, window), plane * size);
  return { count, rows: window.rows, columns: window.columns, values: out };
}

/** Largest difference of what a tile keeps from the same place of the whole. */
function difference(whole: Float32Array, columns: number, part: Float32Array, { window, kept }: Tile): number {
  let largest = 0;
  for (let r = kept.top; r < kept.top + kept.rows; r++) {
    for (let c = kept.left; c < kept.left + kept.columns; c++) {
      const own = part[(r - window.top) * window.columns + c - window.left] ?? Number.NaN;
      largest = Math.max(largest, Math.abs(own - (whole[r * columns + c] ?? Number.NaN)));
    }
  }
  return largest;
}

/** Runs the graph on a strip that is just too long for one tile, lying and standing, in one piece and cut. */
export async function tileFaults(session: Session, input: NonNullable<ModelCard['input']>): Promise<readonly string[]> {
  const { tile, multipleOf } = input;
  if (tile === null || tile.side > longest) return [];
  const [long, wide] = [tile.side + 1, short].map((side) => Math.ceil(side / multipleOf) * multipleOf);
  const answer = ({ count, rows, columns, values }: Planes): Promise<Float32Array> =>
    session.run(input.input, input.output, values, [1, count, rows, columns]);
  for (const [rows = 0, columns = 0] of [
    [wide, long],
    [long, wide],
  ]) {
    const strip = grain(planesOf(input), rows, columns);
    const whole = await answer(strip);
    for (const each of tilesOf(rows, columns, tile, multipleOf)) {
      const found = difference(whole, columns, await answer(cut(strip, each.window)), each);
      if (!(found <= tolerance))
        return [
          `a slice of ${rows} x ${columns} pixels differs in tiles from the whole by ${found.toFixed(5)}: the halo of ${tile.halo} is less than the network's reach (one that takes means or norms over the whole slice needs tile: null)`,
        ];
    }
  }
  return [];
}
