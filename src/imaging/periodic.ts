/**
 * Periodic patterns in what was taken away: line pairs, stripes, a grid. Noise has none, whatever its grain; a network may take a part of them
 * symmetrically, so that neither the mean nor the edges tell.
 */
import { openTransform } from './fourier.js';
import type { Slice } from './slice.js';

/** Blocks of so many pixels, with a Hann window: a pattern fills few of its frequencies. */
const side = 64;
/** Slower patterns, cycles per block, are anatomy and shading. */
const slowest = 5;
/** Bins that a windowed pattern fills, to each side of its own. */
const reach = 1;
/** A line of bins through a peak: so near and so far from it, to both sides. */
const [near, far] = [3, 8];
/** Directions in which a peak must stand out: streaks and edges fill a line of frequencies, patterns do not. */
const directions = 12;
/** What the highest of all frequencies exceeds its neighbourhood by in one block of noise, of its own. */
const chance = 3;

const bins = (2 * reach + 1) ** 2;

const pixels = side * side;
/** Noise below this (the slice's unit) is none: no division by zero. */
const least = 1e-6;

const hann = (() => {
  const along = Float64Array.from({ length: side }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / side));
  return Float64Array.from({ length: pixels }, (_, i) => along[Math.floor(i / side)]! * along[i % side]!);
})();
/** A block's power is divided by it. */
const gain = hann.reduce((sum, value) => sum + value * value, 0);

const alongLine = openTransform(side);

/** Transforms a block in place; one turn of rows and columns after each axis, so that they lie as before. */
function transform(re: Float64Array, im: Float64Array): void {
  for (let axis = 0; axis < 2; axis++) {
    for (let from = 0; from < pixels; from += side)
      alongLine(re.subarray(from, from + side), im.subarray(from, from + side));
    for (let r = 0; r < side; r++) {
      for (let c = r + 1; c < side; c++) {
        const here = r * side + c;
        const there = c * side + r;
        const real = re[here]!;
        re[here] = re[there]!;
        re[there] = real;
        const imaginary = im[here]!;
        im[here] = im[there]!;
        im[there] = imaginary;
      }
    }
  }
}

/** Frequencies of one half plane that count, as index into a block's spectrum. */
const frequencies = (() => {
  const signed = (k: number): number => (k < side / 2 ? k : k - side);
  const found: number[] = [];
  for (let i = 0; i < pixels; i++) {
    const [y, x] = [signed(Math.floor(i / side)), signed(i % side)];
    const upper = y < 0 || (y === 0 && x <= 0) || x === -side / 2;
    if (upper && Math.hypot(y, x) >= slowest) found.push(i);
  }
  return Int32Array.from(found);
})();

const wrapped = (k: number): number => ((k % side) + side) % side;
const at = (row: number, column: number): number => wrapped(row) * side + wrapped(column);

/** Of each bin, that of the opposite frequency. */
const mirrors = Int32Array.from({ length: pixels }, (_, i) => at(-Math.floor(i / side), -(i % side)));

/** Offsets of the bins beside a peak, a list a direction. */
const lines: readonly (readonly (readonly [number, number])[])[] = Array.from({ length: directions }, (_, d) => {
  const angle = (Math.PI * d) / directions;
  const offsets: (readonly [number, number])[] = [];
  for (let r = near; r <= far; r++) {
    const [y, x] = [Math.round(r * Math.sin(angle)), Math.round(r * Math.cos(angle))];
    offsets.push([y, x], [-y, -x]);
  }
  return offsets;
});

/** Power of the bins around one and around its mirror in the other half plane. */
function around(power: Float64Array, bin: number): number {
  const [row, column] = [Math.floor(bin / side), bin % side];
  let sum = 0;
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      // Near zero and near Nyquist a bin and its mirror are neighbours.
      const [down, across] = [wrapped(-2 * row - y + reach), wrapped(-2 * column - x + reach)];
      const both = down <= 2 * reach && across <= 2 * reach;
      sum += (both ? 1 : 2) * power[at(row + y, column + x)]!;
    }
  }
  return sum;
}

/** Whether no bin beside it has more power. */
function isPeak(power: Float64Array, bin: number): boolean {
  const [row, column] = [Math.floor(bin / side), bin % side];
  const own = power[bin]!;
  for (let y = -1; y <= 1; y++) for (let x = -1; x <= 1; x++) if (power[at(row + y, column + x)]! > own) return false;
  return true;
}

/** What the bins around one would have without a pattern: the highest of the directions' middles, of a bin. */
function level(power: Float64Array, bin: number): number {
  const [row, column] = [Math.floor(bin / side), bin % side];
  let highest = 0;
  for (const line of lines) {
    const beside = Float64Array.from(line, ([y, x]) => power[at(row + y, column + x)]!).sort();
    const half = beside.length >> 1;
    highest = Math.max(highest, (beside[half - 1]! + beside[half]!) / 2);
  }
  return highest;
}

/** Starts of blocks along an axis, which they cover. */
function starts(size: number): readonly number[] {
  const count = Math.ceil(size / side);
  return Array.from({ length: count }, (_, i) => (count === 1 ? 0 : Math.round((i * (size - side)) / (count - 1))));
}

/** Energy of the strongest pattern in the mean spectrum of so many blocks: its peak beyond what noise would reach there by chance. */
function strongest(power: Float64Array, blocks: number): number {
  // Along a streak all blocks show the same noise: only as many are independent as lie beside each other.
  const independent = Math.sqrt(blocks);
  const expected = 2 * bins * (1 + chance / Math.sqrt(independent));
  let best = 0;
  for (const bin of frequencies) {
    // A peak is the highest of its nine bins: no need to look at those that could not reach what is known.
    if (2 * bins * power[bin]! <= best || !isPeak(power, bin)) continue;
    const energy = around(power, bin);
    if (energy > best) best = Math.max(best, energy - expected * level(power, bin));
  }
  return best;
}

/**
 * The strongest periodic pattern of a residual, in deviations of the local noise: energy of its peak in the spectrum beyond what the
 * frequencies beside it have, in whichever direction they have the most. Seen are periods of 2 to 12 pixels.
 *
 * @param residual input less output
 * @param noise local deviation of the noise, same shape and unit
 * @returns null for a slice of less than 64x64
 */
export function periodicPattern({ rows, columns, values }: Slice, noise: Float32Array): number | null {
  if (rows < side || columns < side) return null;
  const places = starts(rows).flatMap((top) => starts(columns).map((left) => top * columns + left));
  const power = new Float64Array(pixels);
  const [re, im] = [new Float64Array(pixels), new Float64Array(pixels)];
  const fill = (to: Float64Array, start: number): void => {
    let sum = 0;
    for (let r = 0, i = 0; r < side; r++) {
      let from = start + r * columns;
      for (let c = 0; c < side; c++, i++, from++) sum += to[i] = values[from]! / Math.max(noise[from]!, least);
    }
    const middle = sum / pixels;
    for (let i = 0; i < pixels; i++) to[i] = (to[i]! - middle) * hann[i]!;
  };
  // Two blocks in one transform, as its real and its imaginary part.
  for (let p = 0; p < places.length; p += 2) {
    const second = places[p + 1];
    fill(re, places[p]!);
    if (second === undefined) im.fill(0);
    else fill(im, second);
    transform(re, im);
    for (let part = 0; part < (second === undefined ? 1 : 2); part++) {
      const sign = part === 0 ? 1 : -1;
      for (let i = 0; i < pixels; i++) {
        const mirror = mirrors[i]!;
        const a = re[i]! + sign * re[mirror]!;
        const b = im[i]! - sign * im[mirror]!;
        power[i]! += (a * a + b * b) / (4 * gain * pixels * places.length);
      }
    }
  }
  return Math.sqrt(strongest(power, places.length));
}
