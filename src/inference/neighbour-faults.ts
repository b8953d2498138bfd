/**
 * Whether a network that sees three slices answers with the one in the middle of them: one that was made with its planes in another order
 * answers with a neighbour, which passes wherever the three are alike.
 */
import type { ModelCard } from './card.js';
import { angle, endOf, margin } from './long-waves.js';
import { planesOf } from './planes.js';
import type { Session } from './session.js';

type ThreeSlices = Pick<NonNullable<ModelCard['input']>, 'input' | 'output' | 'multipleOf' | 'slices'>;

/** Of the card's unit, as where an image is moved. */
const [level, amplitude, sigma] = [0.15, 0.07, 0.015];
const leastSide = 96;
/** Of the height of a wave: more of its own slice's must be in the answer, and less of its neighbours'. */
const half = 0.5;

/** A wave down the slice itself, and one to the right in its neighbours. */
function crossed(input: ThreeSlices, side: number): Float32Array {
  const size = side * side;
  const own = Float32Array.from(
    { length: size },
    (_, at) => level + amplitude * Math.cos(angle(Math.floor(at / side))),
  );
  const beside = Float32Array.from({ length: size }, (_, at) => level + amplitude * Math.cos(angle(at % side)));
  const x = new Float32Array(planesOf(input) * size).fill(sigma, size, 2 * size);
  x.set(own);
  for (const plane of [2, 3]) x.set(beside, plane * size);
  return x;
}

/** How much of either wave is in an answer, over its height. */
function heights(answer: Float32Array, side: number): { readonly own: number; readonly beside: number } {
  const end = endOf(side);
  let [own, beside, count] = [0, 0, 0];
  for (let row = margin; row < end; row++) {
    for (let column = margin; column < end; column++) {
      const value = answer[row * side + column] ?? Number.NaN;
      own += value * Math.cos(angle(row));
      beside += value * Math.cos(angle(column));
      count += 1;
    }
  }
  const height = (amplitude * count) / 2;
  return { own: own / height, beside: beside / height };
}

/** Runs the graph on a slice whose neighbours are unlike it; of one that sees no neighbours there is nothing to tell. */
export async function neighbourFaults(session: Session, input: ThreeSlices): Promise<readonly string[]> {
  if (input.slices === 1) return [];
  const side = Math.ceil(leastSide / input.multipleOf) * input.multipleOf;
  const shape = [1, planesOf(input), side, side];
  const answer = await session.run(input.input, input.output, crossed(input, side), shape);
  const { own, beside } = heights(answer, side);
  if (own >= half && Math.abs(beside) <= half) return [];
  const found = `${Math.round(100 * own)} % of the slice and ${Math.round(100 * beside)} % of its neighbours`;
  return [
    `the graph answers with ${found}: x is the slice, its noise map, the slice before and the slice after, in this order, and y is the slice`,
  ];
}
