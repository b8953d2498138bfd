/** Phantoms of the acceptance kit: slices whose truth is known because they are drawn by formula. */
import { withComplexNoise, withNoise } from '../imaging/degrade.js';
import { gaussian } from '../imaging/gaussian.js';
import { whiteNoise } from '../imaging/random.js';
import type { Slice } from '../imaging/slice.js';

export const phantomNames = ['ct', 'mr', 'us'] as const;
export type PhantomName = (typeof phantomNames)[number];

/** Side of a phantom slice, pixels. */
export const side = 256;
export const slicesOf: Readonly<Record<PhantomName, number>> = { ct: 16, mr: 16, us: 4 };

/** A circle, in pixels from the middle of the slice. */
export interface Disc {
  readonly row: number;
  readonly column: number;
  readonly radius: number;
}

/** Where the checks measure. `uniform` holds nothing but tissue and noise. */
export const uniformRegion: Disc = { row: 45, column: 0, radius: 28 };
/** Faint discs of 20 HU (CT) or 6 % (MR) above their surroundings. */
export const faintDiscs: readonly Disc[] = [
  { row: -35, column: -30, radius: 8 },
  { row: -35, column: 0, radius: 8 },
  { row: -35, column: 30, radius: 8 },
];
/** A disc like these that only some slices of CT and MR show, one at a time: what is in one slice must not get lost in its neighbours, nor they get it. */
export const loneDisc: Disc = { row: 0, column: 0, radius: 8 };
/** Whether a slice shows it. */
export const showsLoneDisc = (index: number): boolean => index % 4 === 2;
/** Rows that ultrasound leaves to text, above the image. */
export const usImageTop = 32;

/** Pixels (row x side + column) whose centres lie within `radius` of a disc's middle, and not within `hole`. */
export function pixelsOf({ row, column, radius }: Disc, hole = 0): Int32Array {
  const [middleRow, middleColumn] = [side / 2 + row, side / 2 + column];
  const found: number[] = [];
  for (let r = 0; r < side; r++) {
    for (let c = 0; c < side; c++) {
      const square = (r - middleRow) * (r - middleRow) + (c - middleColumn) * (c - middleColumn);
      if (square < radius * radius && square >= hole * hole) found.push(r * side + c);
    }
  }
  return Int32Array.from(found);
}

function draw(background: number, discs: readonly (readonly [Disc, number])[]): Slice {
  const values = new Float32Array(side * side).fill(background);
  for (const [disc, value] of discs) for (const pixel of pixelsOf(disc)) values[pixel] = value;
  return { rows: side, columns: side, values };
}

const at = (radius: number, row = 0, column = 0): Disc => ({ row, column, radius });
const small = [at(6, 0, -60), at(4, 0, 60), at(2.5, 20, -60), at(1.5, 20, 60)];

/** The faint discs of a slice. */
const faintDiscsOf = (index: number): readonly Disc[] =>
  showsLoneDisc(index) ? [...faintDiscs, loneDisc] : faintDiscs;

/** The truth of a CT slice: fat around soft tissue with faint discs and bone; HU, the resolution of a body kernel. */
function ctTruth(index: number): Slice {
  const discs = [
    [at(105), -90],
    [at(88), 50],
    ...faintDiscsOf(index).map((disc) => [disc, 70] as const),
    ...small.map((disc) => [disc, 700] as const),
  ] as const;
  const drawn = draw(-1000, discs);
  return { ...drawn, values: gaussian(drawn, 0.8) };
}

/** The truth of an MR magnitude slice; counts of 0 to about 900. */
function mrTruth(index: number): Slice {
  const discs = [
    [at(110), 820],
    [at(92), 60],
    [at(78), 500],
    ...faintDiscsOf(index).map((disc) => [disc, 530] as const),
    ...small.map((disc) => [disc, 900] as const),
  ] as const;
  const drawn = draw(0, discs);
  return { ...drawn, values: gaussian(drawn, 0.7) };
}

/** Text of a kind above an ultrasound image: blocks of full white that must come back as they were. */
function paintText(values: Float32Array): void {
  for (let i = 0; i < usImageTop * side; i++) {
    const [r, c] = [Math.floor(i / side), i % side];
    values[i] = r >= 8 && r < 20 && c % 12 < 7 ? 255 : 0;
  }
}

/** The truth of a B-mode slice: echo levels after log compression, 0 to 255. */
function usTruth(): Slice {
  const drawn = draw(110, [
    [at(26, -10, -50), 40],
    [at(20, 30, 50), 160],
  ]);
  const values = gaussian(drawn, 1);
  paintText(values);
  return { ...drawn, values };
}

/** Fully developed speckle behind a point spread wider than deep, log-compressed; truth in grey levels. */
function withSpeckle(truth: Slice, seed: number): Float32Array {
  const cell = (offset: number): Float32Array => {
    const white = Float32Array.from(whiteNoise(truth.values.length, seed + offset));
    return gaussian({ ...truth, values: white }, 1.1);
  };
  const [real, imaginary] = [cell(0), cell(1)];
  const power = real.map((value, i) => value * value + (imaginary[i] ?? 0) ** 2);
  const mean = power.reduce((sum, value) => sum + value, 0) / power.length;
  // 60 dB over 256 grey levels.
  const values = truth.values.map(
    (value, i) => value + (10 * Math.log10(Math.max((power[i] ?? 0) / mean, 1e-6)) * 256) / 60,
  );
  const out = values.map((value) => Math.min(255, Math.max(0, value)));
  paintText(out);
  return out;
}

export interface PhantomSlice {
  readonly truth: Slice;
  /** What a scanner would have sent. */
  readonly degraded: Float32Array;
}

/** Slice `index` of a phantom; the same each time. */
export function phantomSlice(name: PhantomName, index: number): PhantomSlice {
  const seed = 7001 + 31 * index;
  if (name === 'ct') {
    const truth = ctTruth(index);
    return { truth, degraded: withNoise(truth, 20, seed) };
  }
  if (name === 'mr') {
    const truth = mrTruth(index);
    return { truth, degraded: withComplexNoise(truth, 30, seed) };
  }
  const truth = usTruth();
  return { truth, degraded: withSpeckle(truth, seed) };
}
