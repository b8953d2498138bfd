/**
 * How far what was taken away looks like noise, place by place: for the eye of whoever doubts a result, beside the picture.
 *
 * 1 where the residual has the strength that the local noise explains; falling with the square of what exceeds it; at most a
 * half where it is strong on an edge, since there it may be anatomy; and a half where a smooth change is as large as the model's card allows,
 * since a spot that is drawn below the noise has no strength.
 */

/** An image smaller than its slice by a whole factor. */
export interface Thinned {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

export interface Confidence {
  readonly rows: number;
  readonly columns: number;
  /** 0 to 255: 255 is full confidence. */
  readonly values: Uint8Array;
}

/** Of each place, and what the model's card allows; null: no limit. */
export interface Smooth {
  readonly changes: Float32Array;
  readonly limit: number | null;
}

/** An edge counts from this gradient on, deviations of the noise per pixel. */
const edgeAt = 3;

/**
 * @param taken local root mean square of what was taken away
 * @param gradient of the output per pixel, of the same places
 * @param expected what the noise explains there: blend x local deviation; same shape
 * @param smooth over the noise, of the same places
 */
export function confidenceMap(
  taken: Thinned,
  gradient: Float32Array,
  expected: Float32Array,
  smooth: Smooth,
): Confidence {
  const { rows, columns, values } = taken;
  const out = new Uint8Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const noise = Math.max(expected[i]!, 1e-6);
    const ratio = values[i]! / noise;
    const excess = Math.max(0, ratio - 1);
    const edge = Math.min(1, gradient[i]! / (edgeAt * noise));
    const drawn = smooth.limit === null ? 0 : smooth.changes[i]! / smooth.limit;
    out[i] = Math.round(
      255 * Math.exp(-excess * excess) * (1 - 0.5 * edge * Math.min(1, excess)) * 0.5 ** (drawn * drawn),
    );
  }
  return { rows, columns, values: out };
}

/** Share of the mask's places with a confidence of a half or more; null for an empty mask. */
export function confidentShare({ values }: Confidence, mask: Uint8Array): number | null {
  let [inside, confident] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    if (mask[i] === 0) continue;
    inside++;
    if (values[i]! >= 128) confident++;
  }
  return inside > 0 ? confident / inside : null;
}
