/** Sharpness of a slice from its own edges. */
import { gaussian, reflected } from './gaussian.js';
import type { Slice } from './slice.js';

/** Profiles reach this far to both sides, pixels, in steps of a quarter. */
const half = 8;
const step = 0.25;
const samples = (2 * half) / step + 1;
const flatSamples = 3 / step;
const mostProfiles = 300;
const leastProfiles = 20;
/** A step lower than this many deviations of the noise is none that can be measured. */
const leastStep = 12;

interface Edge {
  readonly row: number;
  readonly column: number;
  /** Unit vector along the gradient. */
  readonly down: number;
  readonly right: number;
  readonly magnitude: number;
}

/** Places whose gradient is the largest of their 5x5 neighbourhood, steepest first. */
function edgesOf(slice: Slice, sigma: number): Edge[] {
  const { rows, columns } = slice;
  const smooth = gaussian(slice, 1);
  const down = new Float32Array(smooth.length);
  const right = new Float32Array(smooth.length);
  const magnitude = new Float32Array(smooth.length);
  // Sobel's operators, over 8: the gradient per pixel.
  for (let r = 0, i = 0; r < rows; r++) {
    const above = reflected(r - 1, rows) * columns;
    const here = r * columns;
    const below = reflected(r + 1, rows) * columns;
    for (let c = 0; c < columns; c++, i++) {
      const left = Math.max(0, c - 1);
      const next = Math.min(columns - 1, c + 1);
      const falling = smooth[below + next]! - smooth[above + left]!;
      const rising = smooth[above + next]! - smooth[below + left]!;
      const y = (falling - rising + 2 * (smooth[below + c]! - smooth[above + c]!)) / 8;
      const x = (falling + rising + 2 * (smooth[here + next]! - smooth[here + left]!)) / 8;
      down[i] = y;
      right[i] = x;
      magnitude[i] = Math.sqrt(x * x + y * y);
    }
  }
  const isLargest = (r: number, c: number): boolean => {
    const own = magnitude[r * columns + c]!;
    for (let y = r - 2; y <= r + 2; y++)
      for (let x = c - 2; x <= c + 2; x++) if (magnitude[y * columns + x]! > own) return false;
    return true;
  };
  const found: Edge[] = [];
  for (let r = half + 3; r < rows - half - 3; r++) {
    for (let c = half + 3; c < columns - half - 3; c++) {
      const i = r * columns + c;
      const own = magnitude[i]!;
      if (own > 1.5 * sigma && own > 0 && isLargest(r, c)) {
        found.push({ row: r, column: c, down: down[i]! / own, right: right[i]! / own, magnitude: own });
      }
    }
  }
  return found.toSorted((a, b) => b.magnitude - a.magnitude).slice(0, 4 * mostProfiles);
}

/** Value between four pixels. */
function interpolated({ columns, values }: Slice, row: number, column: number): number {
  const [r, c] = [Math.floor(row), Math.floor(column)];
  const [y, x] = [row - r, column - c];
  const i = r * columns + c;
  return (
    (1 - y) * ((1 - x) * values[i]! + x * values[i + 1]!) +
    y * ((1 - x) * values[i + columns]! + x * values[i + columns + 1]!)
  );
}

function meanAndSpread(part: Float64Array): { mean: number; spread: number } {
  const mean = part.reduce((sum, value) => sum + value, 0) / part.length;
  return { mean, spread: Math.sqrt(part.reduce((sum, value) => sum + (value - mean) ** 2, 0) / part.length) };
}

/** The profile across an edge from 0 to 1; null unless both its ends are flat and its step stands out of the noise. */
function profileOf(slice: Slice, edge: Edge, sigma: number): Float64Array | null {
  const profile = Float64Array.from({ length: samples }, (_, i) => {
    const distance = i * step - half;
    return interpolated(slice, edge.row + edge.down * distance, edge.column + edge.right * distance);
  });
  const low = meanAndSpread(profile.subarray(0, flatSamples));
  const high = meanAndSpread(profile.subarray(samples - flatSamples));
  const rise = high.mean - low.mean;
  const tolerated = 0.08 * rise + 1.5 * sigma;
  if (!(rise > leastStep * sigma && low.spread < tolerated && high.spread < tolerated)) return null;
  const scaled = profile.map((value) => (value - low.mean) / rise);
  return scaled.every((value) => value > -0.2 && value < 1.2) ? scaled : null;
}

/** Where the profile rises through a half nearest its middle, in samples from it; null where it does not. */
function offsetOf(profile: Float64Array): number | null {
  const middle = (samples - 1) / 2;
  let best: number | null = null;
  for (let i = 0; i + 1 < samples; i++) {
    if (!(profile[i]! < 0.5 && profile[i + 1]! >= 0.5)) continue;
    if (best === null || Math.abs(i - middle) < Math.abs(best - middle)) best = i;
  }
  if (best === null) return null;
  return best + (0.5 - profile[best]!) / (profile[best + 1]! - profile[best]!) - middle;
}

/** The profile moved by an offset in samples, its ends repeated. */
function moved(profile: Float64Array, offset: number): Float64Array {
  return profile.map((_, i) => {
    const place = Math.min(samples - 1, Math.max(0, i + offset));
    const low = Math.min(samples - 2, Math.floor(place));
    return profile[low]! + (place - low) * (profile[low + 1]! - profile[low]!);
  });
}

/** Frequency (cycles per pixel) at which the transform of the edge's derivative falls to a half. */
function halfFrequency(edge: Float64Array): number | null {
  const line = edge.map((_, i) => {
    const slope =
      i === 0 ? edge[1]! - edge[0]! : i === samples - 1 ? edge[i]! - edge[i - 1]! : (edge[i + 1]! - edge[i - 1]!) / 2;
    return slope * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / (samples - 1)));
  });
  const resolution = 1 / (2048 * step);
  const response = (k: number): number => {
    let [re, im] = [0, 0];
    for (let i = 0; i < samples; i++) {
      const angle = 2 * Math.PI * k * resolution * i * step;
      re += line[i]! * Math.cos(angle);
      im += line[i]! * Math.sin(angle);
    }
    return Math.hypot(re, im);
  };
  const full = response(0);
  let previous = 1;
  for (let k = 1; k <= 1024; k++) {
    const here = response(k) / full;
    if (here < 0.5) return (k - (0.5 - here) / (previous - here)) * resolution;
    previous = here;
  }
  return null;
}

export interface EdgeResponse {
  /** Frequency of 50 % modulation, cycles per pixel; null with fewer than 20 edges. */
  readonly mtf50: number | null;
  /** Edges that were measured. */
  readonly edges: number;
}

/**
 * Modulation transfer from natural edges: profiles along the gradient where both sides are flat over 3 pixels and the step
 * exceeds 12 deviations of the noise, aligned at half height, the median of up to 300, its derivative, Hann's window, Fourier.
 *
 * @param sigma noise of the slice, in its unit
 */
export function edgeResponse(slice: Slice, sigma: number): EdgeResponse {
  const profiles: Float64Array[] = [];
  for (const edge of edgesOf(slice, sigma)) {
    const profile = profileOf(slice, edge, sigma);
    if (profile !== null && profiles.push(profile) === mostProfiles) break;
  }
  const aligned = profiles.flatMap((profile) => {
    const offset = offsetOf(profile);
    return offset === null ? [] : [moved(profile, offset)];
  });
  if (aligned.length < leastProfiles) return { mtf50: null, edges: aligned.length };
  const edge = Float64Array.from({ length: samples }, (_, i) => {
    const sorted = Float64Array.from(aligned, (profile) => profile[i]!).toSorted();
    const middle = sorted.length >> 1;
    return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  });
  return { mtf50: halfFrequency(edge), edges: aligned.length };
}
