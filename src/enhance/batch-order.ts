// Proof that a model answers the slices of a batch each in its own place. The fingerprint of a slice names the place in a batch; whether
// what came back there was made of that slice only the model can show, on inputs that nobody can mistake for each other.
import { LimpidError } from '../errors.js';
import { uniform } from '../imaging/random.js';
import type { NoisySlice } from '../inference/network.js';
import type { Enhancer } from './enhancer.js';

const side = 64;
/** In the slices' unit: what noise may be, and what a network takes for noise. */
const amplitude = 100;
/** So many slices of a batch are looked at, from the first to the last. */
const mostLooked = 8;
/** Share of its own deviation by which an answer from a batch may differ from the same slice's alone: sums in another order, half floats. */
const tolerance = 0.1;

/** A slice of nothing but chance, and neighbours like it, others for each place. */
function patternAt(place: number): NoisySlice {
  const next = uniform(place + 1);
  const chance = (): Float32Array => Float32Array.from({ length: side * side }, () => amplitude * next());
  return {
    slice: { rows: side, columns: side, values: chance() },
    noise: new Float32Array(side * side).fill(amplitude / 4),
    neighbours: { before: chance(), after: chance() },
  };
}

/** How far two answers lie apart, as a share of the second one's deviation; Infinity for different lengths or no numbers. */
function apart(answer: Float32Array | undefined, alone: Float32Array | undefined): number {
  if (answer === undefined || alone === undefined || answer.length !== alone.length) return Infinity;
  let [sum, squares, differences] = [0, 0, 0];
  for (const [index, value] of alone.entries()) {
    sum += value;
    squares += value ** 2;
    differences += ((answer[index] ?? 0) - value) ** 2;
  }
  const variance = squares / alone.length - (sum / alone.length) ** 2;
  if (differences === 0) return 0;
  const share = Math.sqrt(differences / alone.length / variance);
  return Number.isFinite(share) ? share : Infinity;
}

/**
 * Runs a batch of known slices, and some of them alone.
 *
 * @param count slices of the batch
 * @throws LimpidError `MODEL_INVALID`: the model gives a slice of the batch what belongs to another one
 */
export async function proveBatchOrder(enhancer: Enhancer, count: number): Promise<void> {
  const batch = Array.from({ length: count }, (_, place) => patternAt(place));
  const answers = await enhancer.residuals(batch);
  const looked = Math.min(count, mostLooked);
  for (let look = 0; look < looked; look++) {
    const place = looked === 1 ? 0 : Math.round((look * (count - 1)) / (looked - 1));
    const own = batch[place];
    if (own === undefined) continue;
    const [alone] = await enhancer.residuals([own]);
    if (!(apart(answers[place], alone) <= tolerance))
      throw new LimpidError(
        'MODEL_INVALID',
        `of a batch of ${count} slices the model gives slice ${place + 1} something else than alone`,
      );
  }
}
