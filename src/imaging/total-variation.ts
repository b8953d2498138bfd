import type { Slice } from './slice.js';

/** Step of the dual iteration; converges up to 1 / (2 x dimensions) (Chambolle 2004, with the step of scikit-image). */
const tau = 0.25;

/**
 * Total variation (Rudin, Osher and Fatemi 1992) by Chambolle's dual iteration, as scikit-image's `denoise_tv_chambolle`
 * with a fixed number of iterations, so that a slice always gives the same result.
 *
 * @param weight in the slice's unit: about the noise that should go; larger is smoother
 */
export function totalVariation(slice: Slice, weight: number, iterations: number): Float32Array {
  const { rows, columns, values } = slice;
  const down = new Float32Array(values.length);
  const right = new Float32Array(values.length);
  const out = values.slice();
  const share = tau / weight;
  for (let step = 1; step < iterations; step++) {
    for (let r = 0, at = 0; r < rows; r++) {
      const last = r === rows - 1;
      for (let c = 0; c < columns; c++, at++) {
        const here = out[at]!;
        const gradientDown = last ? 0 : out[at + columns]! - here;
        const gradientRight = c === columns - 1 ? 0 : out[at + 1]! - here;
        const norm = 1 + share * Math.sqrt(gradientDown * gradientDown + gradientRight * gradientRight);
        down[at] = (down[at]! - tau * gradientDown) / norm;
        right[at] = (right[at]! - tau * gradientRight) / norm;
      }
    }
    for (let r = 0, at = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++, at++) {
        const above = r > 0 ? down[at - columns]! : 0;
        const left = c > 0 ? right[at - 1]! : 0;
        out[at] = values[at]! - down[at]! - right[at]! + above + left;
      }
    }
  }
  return out;
}
