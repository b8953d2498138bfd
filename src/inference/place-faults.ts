/** Whether a network answers each pixel in its place: an image that is moved by a pixel passes every limit, and is drawn double by a blend. */
import type { ModelCard } from './card.js';
import { angle, endOf, margin, period, waveAt } from './long-waves.js';
import { planesOf } from './planes.js';
import type { Session } from './session.js';

type PlacedInput = Pick<NonNullable<ModelCard['input']>, 'input' | 'output' | 'multipleOf' | 'slices'>;

/** Of the card's unit: where values of every modality lie, none of them below 0. */
const [level, amplitude] = [0.15, 0.07];
const leastSide = 96;
/** The shipped networks, which weigh all sides alike, move long waves by 0.1 at most, pixels; enlarging beside its place moves by a half. */
const tolerance = 0.25;

function waves(input: PlacedInput, side: number): Float32Array {
  const size = side * side;
  const out = new Float32Array(planesOf(input) * size);
  for (let at = 0; at < out.length; at++) out[at] = level + amplitude * waveAt(at % size, side);
  return out.fill(0.015, size, 2 * size);
}

/** How far the waves of an answer have moved down and to the right, pixels: by their phase. */
function moved(answer: Float32Array, side: number): readonly [down: number, right: number] {
  const end = endOf(side);
  const sums = { down: [0, 0], right: [0, 0] } satisfies Record<string, [number, number]>;
  for (let row = margin; row < end; row++) {
    for (let column = margin; column < end; column++) {
      const value = answer[row * side + column] ?? Number.NaN;
      sums.down[0] += value * Math.cos(angle(row));
      sums.down[1] += value * Math.sin(angle(row));
      sums.right[0] += value * Math.cos(angle(column));
      sums.right[1] += value * Math.sin(angle(column));
    }
  }
  const pixels = ([along, across]: readonly [number, number]): number =>
    (Math.atan2(across, along) * period) / (2 * Math.PI);
  return [pixels(sums.down), pixels(sums.right)];
}

/** Runs the graph on long waves, the same in each slice that it sees, and tells where they have gone. */
export async function placeFaults(session: Session, input: PlacedInput): Promise<readonly string[]> {
  const side = Math.ceil(leastSide / input.multipleOf) * input.multipleOf;
  const shape = [1, planesOf(input), side, side];
  const answer = await session.run(input.input, input.output, waves(input, side), shape);
  const [down, right] = moved(answer, side);
  if (Math.abs(down) <= tolerance && Math.abs(right) <= tolerance) return [];
  return [
    `the graph moves the image by ${down.toFixed(2)} pixels down and ${right.toFixed(2)} to the right: pad its convolutions alike on all sides, and let what it enlarges stay in its place`,
  ];
}
