/** The probe: a small input by formula and what the model must answer, as the card says. Tests a port, a provider, a file. */
import type { ModelCard } from './card.js';
import type { Session } from './session.js';

/** What a probe needs to know of a card's `input`. */
type ProbedInput = Pick<NonNullable<ModelCard['input']>, 'input' | 'output' | 'multipleOf'>;

const roundedUp = (side: number, multipleOf: number): number => Math.ceil(side / multipleOf) * multipleOf;

/** [n, channels, rows, columns] of the probe: 32 x 48 pixels, or the next sides that the network takes. */
export function probeShape(multipleOf: number): readonly [n: 1, channels: 2, rows: number, columns: number] {
  return [1, 2, roundedUp(32, multipleOf), roundedUp(48, multipleOf)];
}

/** Greatest difference of a probe value that passes: providers sum in other orders. */
const tolerance = 2e-5;

/** x[0][0][i][j] = 0.05 sin(0.4 i) + 0.03 cos(0.3 j) + 0.02 (((7 i + 3 j) mod 11) / 11 - 0.5); x[0][1] = 0.015. */
export function probeInput(multipleOf: number): Float32Array {
  const [, , rows, columns] = probeShape(multipleOf);
  const out = new Float32Array(2 * rows * columns).fill(0.015, rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const step = 0.02 * (((7 * i + 3 * j) % 11) / 11 - 0.5);
      out[i * columns + j] = 0.05 * Math.sin(0.4 * i) + 0.03 * Math.cos(0.3 * j) + step;
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

/** What a graph must take besides the probe: several slices at once, and slices of other shapes. */
const shapes: readonly (readonly [count: number, rows: number, columns: number])[] = [
  [1, 32, 48],
  [2, 32, 48],
  [1, 70, 50],
  [1, 90, 130],
];

/** Whether a graph takes slices of any number and shape, and answers each of their pixels with a number. */
export async function shapeFaults(
  session: Session,
  { input, output, multipleOf }: ProbedInput,
): Promise<readonly string[]> {
  for (const [count, rows, columns] of shapes) {
    const shape = [count, 2, roundedUp(rows, multipleOf), roundedUp(columns, multipleOf)];
    const pixels = shape.reduce((product, side) => product * side, 1);
    const values = Float32Array.from({ length: pixels }, (_, at) => 0.05 * Math.sin(at));
    const name = `an input of [${shape.join(', ')}]`;
    let answer: Float32Array;
    try {
      answer = await session.run(input, output, values, shape);
    } catch (error) {
      const why = String(error)
        .replace(/^\w*Error: /, '')
        .replaceAll(/\s+/g, ' ');
      return [`the graph does not take ${name}: ${why.trim()}`];
    }
    if (answer.length !== pixels / 2) {
      return [`the graph answers ${name} with ${answer.length} values, not one for each of ${pixels / 2} pixels`];
    }
    if (!answer.every(Number.isFinite)) return [`the graph answers ${name} with values that are no number`];
  }
  return [];
}

/** Runs a session on the probe input. */
export async function runProbe(session: Session, { input, output, multipleOf }: ProbedInput): Promise<Probe> {
  const shape = probeShape(multipleOf);
  return probeOf(await session.run(input, output, probeInput(multipleOf), shape), shape[3]);
}

/** Compares a session's answer with the card's; none: equal within 2e-5. */
export async function probeFaults(session: Session, input: ProbedInput, want: Probe): Promise<readonly string[]> {
  const got = await runProbe(session, input);
  const pairs = [
    ['mean', got.mean, want.mean] as const,
    ['deviation', got.deviation, want.deviation] as const,
    ...want.row16.map((value, i) => [`row16[${i}]`, got.row16[i] ?? Number.NaN, value] as const),
  ];
  return pairs
    .filter(([, a, b]) => !(Math.abs(a - b) <= tolerance))
    .map(([name, a, b]) => `probe ${name} is ${a.toFixed(7)}, the card says ${b.toFixed(7)}`);
}
