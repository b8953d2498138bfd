/** The probe: a small input by formula and what the model must answer, as the card says. Tests a port, a provider, a file. */
import { LimpidError } from '../errors.js';
import type { ModelCard } from './card.js';
import { planesOf } from './planes.js';
import type { Session } from './session.js';

/** What a probe needs to know of a card's `input`. */
type ProbedInput = Pick<NonNullable<ModelCard['input']>, 'input' | 'output' | 'multipleOf' | 'slices'>;

const roundedUp = (side: number, multipleOf: number): number => Math.ceil(side / multipleOf) * multipleOf;

type ProbedShape = Pick<ProbedInput, 'multipleOf' | 'slices'>;

/** [n, planes, rows, columns] of the probe: 32 x 48 pixels, or the next sides that the network takes. */
export function probeShape(input: ProbedShape): readonly [n: 1, planes: 2 | 4, rows: number, columns: number] {
  return [1, planesOf(input), roundedUp(32, input.multipleOf), roundedUp(48, input.multipleOf)];
}

/** Greatest difference of a probe value that passes: providers sum in other orders. */
const tolerance = 2e-5;

/** Where a plane of the probe lies on the pattern (rows, columns), and how far its grain is moved. */
interface ProbePlane {
  readonly plane: number;
  readonly down: number;
  readonly right: number;
  readonly grain: number;
}
/** The slice, the slice before, the slice after: alike, as neighbours are, and never the same. */
const probePlanes: readonly ProbePlane[] = [
  { plane: 0, down: 0, right: 0, grain: 0 },
  { plane: 2, down: 1, right: 0, grain: 5 },
  { plane: 3, down: 0, right: 1, grain: 2 },
];

/**
 * p(u, v, g) = 0.05 sin(0.4 u) + 0.03 cos(0.3 v) + 0.02 (((7 i + 3 j + g) mod 11) / 11 - 0.5) at row i, column j gives
 * x[0][0][i][j] = p(i, j, 0); x[0][1] = 0.015; of three slices x[0][2][i][j] = p(i + 1, j, 5) and x[0][3][i][j] = p(i, j + 1, 2).
 */
export function probeInput(input: ProbedShape): Float32Array {
  const [, planes, rows, columns] = probeShape(input);
  const size = rows * columns;
  const out = new Float32Array(planes * size).fill(0.015, size, 2 * size);
  for (const { plane, down, right, grain } of probePlanes) {
    if (plane >= planes) continue;
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const step = 0.02 * (((7 * i + 3 * j + grain) % 11) / 11 - 0.5);
        const wave = 0.05 * Math.sin(0.4 * (i + down)) + 0.03 * Math.cos(0.3 * (j + right));
        out[plane * size + i * columns + j] = wave + step;
      }
    }
  }
  return out;
}

export type Probe = NonNullable<ModelCard['probe']>;

/** What a card keeps of the output: mean, deviation, and row 16, columns 8 to 15. */
function probeOf(output: Float32Array, columns: number): Probe {
  let sum = 0;
  for (const value of output) sum += value;
  const mean = sum / output.length;
  let squares = 0;
  for (const value of output) squares += (value - mean) ** 2;
  const at = 16 * columns + 8;
  return { mean, deviation: Math.sqrt(squares / output.length), row16: [...output.subarray(at, at + 8)] };
}

/** What a graph must take besides the probe: several slices at once, and slices of other shapes, of odd sides where its card allows them. */
const shapes: readonly (readonly [count: number, rows: number, columns: number])[] = [
  [1, 32, 48],
  [2, 32, 48],
  [1, 71, 53],
  [1, 90, 131],
];

/** Whether a graph takes slices of any number and shape, and answers each of their pixels with a number: always the same, whatever goes with it. */
export async function shapeFaults(session: Session, probed: ProbedInput): Promise<readonly string[]> {
  const { input, output, multipleOf } = probed;
  const planes = planesOf(probed);
  for (const [count, rows, columns] of shapes) {
    const shape = [count, planes, roundedUp(rows, multipleOf), roundedUp(columns, multipleOf)];
    const length = shape.reduce((product, side) => product * side, 1);
    const pixels = length / planes;
    const values = Float32Array.from({ length }, (_, at) => 0.05 * Math.sin(at));
    const name = `an input of [${shape.join(', ')}]`;
    let answer: Float32Array;
    try {
      answer = await session.run(input, output, values, shape);
    } catch (error) {
      if (error instanceof LimpidError) return [error.message];
      throw error;
    }
    if (answer.length !== pixels) {
      return [`the graph answers ${name} with ${answer.length} values, not one for each of ${pixels} pixels`];
    }
    if (!answer.every(Number.isFinite)) return [`the graph answers ${name} with values that are no number`];
    const again = await session.run(input, output, values, shape);
    if (!isSame(answer, again))
      return [`the graph answers ${name} with other values each time: dropout, or noise of its own, is in it`];
    for (let slice = 0; slice < count; slice++) {
      const own = values.slice((slice * length) / count, ((slice + 1) * length) / count);
      const alone = await session.run(input, output, own, [1, ...shape.slice(1)]);
      const together = answer.subarray((slice * pixels) / count, ((slice + 1) * pixels) / count);
      if (!isSame(together, alone))
        return [`of ${count} slices at once the graph gives one something else than alone: it mixes them`];
    }
  }
  return [];
}

/** Of the network's unit: what sums in another order leave between two runs. */
const summed = 1e-4;

/** Whether two answers are one, but for sums in another order. */
function isSame(one: Float32Array, other: Float32Array): boolean {
  return one.every((value, at) => Math.abs(value - (other[at] ?? Number.NaN)) <= summed);
}

/** What a session answers the probe input with. */
function answerToProbe(session: Session, probed: ProbedInput): Promise<Float32Array> {
  return session.run(probed.input, probed.output, probeInput(probed), probeShape(probed));
}

/** Runs a session on the probe input. */
export async function runProbe(session: Session, probed: ProbedInput): Promise<Probe> {
  return probeOf(await answerToProbe(session, probed), probeShape(probed)[3]);
}

/** Factors from the slice to the answer that pass: what a network takes away of the probe, which is waves with a little grain, is less. */
const likeSlice = { atLeast: 0.5, atMost: 2 };

/** An answer that is no image, or in another unit than its input: least squares of the answer against the slice of the probe. */
function unitFaults(answer: Float32Array, probed: ProbedInput): readonly string[] {
  let [product, square] = [0, 0];
  const slice = probeInput(probed).subarray(0, answer.length);
  for (const [at, value] of slice.entries()) {
    product += value * (answer[at] ?? 0);
    square += value * value;
  }
  const factor = product / square;
  if (factor >= likeSlice.atLeast && factor <= likeSlice.atMost) return [];
  return [
    `the graph answers the probe with ${Number(factor.toPrecision(2))} times its slice: y must be the image, divided by input.scale as x is`,
  ];
}

/** Compares a session's answer with the card's, within 2e-5, and with the slice it was given; none: it is what it should be. */
export async function probeFaults(session: Session, input: ProbedInput, want: Probe): Promise<readonly string[]> {
  const answer = await answerToProbe(session, input);
  const got = probeOf(answer, probeShape(input)[3]);
  const pairs = [
    ['mean', got.mean, want.mean] as const,
    ['deviation', got.deviation, want.deviation] as const,
    ...want.row16.map((value, i) => [`row16[${i}]`, got.row16[i] ?? Number.NaN, value] as const),
  ];
  const faults = pairs
    .filter(([, a, b]) => !(Math.abs(a - b) <= tolerance))
    .map(([name, a, b]) => `probe ${name} is ${a.toFixed(7)}, the card says ${b.toFixed(7)}`);
  return [...faults, ...unitFaults(answer, input)];
}
