/** What of a network's residual (input less output) is no noise and stays in the image. Residuals are changed in place. */
import { gaussian } from './gaussian.js';
import { difference } from './slice.js';
import type { Slice } from './slice.js';

/** Gaussians of this file end here, in sigmas: what lies beyond is below a hundredth. */
const reach = 3;

/** Takes `share` of what lies below about 1 / (2 pi `sigma`) cycles per pixel out of a residual: it stays in the image. */
export function keepLow(residual: Slice, sigma: number, share: number): void {
  const low = gaussian(residual, sigma, reach);
  for (let i = 0; i < low.length; i++) residual.values[i]! -= share * low[i]!;
}

/** How edges are told. */
export interface EdgeRule {
  /** The result less itself smoothed by so many pixels is its edges. */
  readonly sigma: number;
  /** Pixels (a Gaussian's) over which residual and edges are compared. */
  readonly window: number;
  /** Edges fainter than this many sigmas of the noise are left to it. */
  readonly noise: number;
}

/**
 * Gives back what the residual took from strong edges. A network that blurs an edge leaves a part of the result's own edges in the
 * residual: around each pixel that part is the residual's least squares fit to them, and noise, which does not follow edges, has none.
 *
 * @param slice the input; same shape and unit as the residual
 * @param noise local noise
 */
export function keepEdges(residual: Slice, slice: Slice, noise: Float32Array, rule: EdgeRule): void {
  const { rows, columns, values } = residual;
  const edges = difference(slice.values, values);
  const smooth = gaussian({ rows, columns, values: edges }, rule.sigma, reach);
  // Sums over 2x2 pixels: what is smoothed next needs no more.
  const [down, across] = [Math.ceil(rows / 2), Math.ceil(columns / 2)];
  const common = new Float32Array(down * across);
  const strength = new Float32Array(down * across);
  for (let r = 0, at = 0; r < rows; r++) {
    const to = (r >> 1) * across;
    for (let c = 0; c < columns; c++, at++) {
      const edge = edges[at]! - smooth[at]!;
      edges[at] = edge;
      common[to + (c >> 1)]! += edge * values[at]!;
      strength[to + (c >> 1)]! += edge * edge;
    }
  }
  const around = (of: Float32Array): Float32Array =>
    gaussian({ rows: down, columns: across, values: of }, rule.window / 2, reach);
  const [commonAround, strengthAround] = [around(common), around(strength)];
  for (let r = 0, at = 0; r < rows; r++) {
    const from = (r >> 1) * across;
    for (let c = 0; c < columns; c++, at++) {
      const half = from + (c >> 1);
      if (commonAround[half]! <= 0) continue;
      const least = rule.noise * noise[at]!;
      const fit = commonAround[half]! / (strengthAround[half]! + 4 * least * least);
      values[at]! -= Math.min(1, fit) * edges[at]!;
    }
  }
}

/** From when on more was taken away than noise explains. */
export interface ExcessRule {
  /** Pixels (a Gaussian's) over which the residual's power is looked at. */
  readonly window: number;
  /** A residual of up to so many sigmas of the noise, root mean square, stays as it is. */
  readonly from: number;
  /** Of one of so many and more nothing is taken away. */
  readonly to: number;
}

/** The highest of each value and its eight neighbours; none is below 0. */
function highestAround({ columns, values }: Slice): Float32Array {
  const last = values.length - 1;
  const inRows = new Float32Array(values.length);
  for (let i = 0; i < inRows.length; i++) {
    const column = i % columns;
    const before = column > 0 ? values[i - 1]! : 0;
    const after = column < columns - 1 ? values[i + 1]! : 0;
    inRows[i] = Math.max(before, values[i]!, after);
  }
  const out = new Float32Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const above = i >= columns ? inRows[i - columns]! : 0;
    const below = i + columns <= last ? inRows[i + columns]! : 0;
    out[i] = Math.max(above, inRows[i]!, below);
  }
  return out;
}

/**
 * Gives back what noise does not explain. A residual of noise alone has the noise's power at most, wherever one looks; where it has more,
 * the network took a structure for noise (folds of cloth, a bundle of fine lines, the rim of a metal insert), and there nothing is taken
 * away, nor up to three pixels beside it.
 *
 * @param noise local noise, of the residual's shape and unit
 */
export function keepExcess({ rows, columns, values }: Slice, noise: Float32Array, rule: ExcessRule): void {
  // Sums over 2x2 pixels, as above.
  const [down, across] = [Math.ceil(rows / 2), Math.ceil(columns / 2)];
  const power = new Float32Array(down * across);
  for (let r = 0, at = 0; r < rows; r++) {
    const to = (r >> 1) * across;
    for (let c = 0; c < columns; c++, at++) power[to + (c >> 1)]! += values[at]! ** 2;
  }
  const half = { rows: down, columns: across };
  const around = highestAround({ ...half, values: gaussian({ ...half, values: power }, rule.window / 2, reach) });
  const width = rule.to - rule.from;
  for (let r = 0, at = 0; r < rows; r++) {
    const from = (r >> 1) * across;
    for (let c = 0; c < columns; c++, at++) {
      const level = Math.sqrt(around[from + (c >> 1)]! / 4) - rule.from * noise[at]!;
      if (level > 0) values[at]! *= Math.max(0, 1 - level / (width * noise[at]!));
    }
  }
}
