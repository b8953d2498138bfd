/**
 * Whether a network that is to denoise takes noise away, and leaves the values of the image as they are: one that gives its input back
 * makes nothing, and of one that adds a number to each pixel, or multiplies it, every result would be withheld.
 */
import { whiteNoise } from '../imaging/random.js';
import type { ModelCard } from './card.js';
import { endOf, margin, waveAt } from './long-waves.js';
import { planesOf } from './planes.js';
import type { Session } from './session.js';

type Denoising = Pick<NonNullable<ModelCard['input']>, 'input' | 'output' | 'multipleOf' | 'slices' | 'scale'>;

/** Of the modality's unit: soft tissue of CT and the middle of MR and ultrasound, under noise that each of them has. */
const [level, amplitude, sigma] = [120, 30, 15];
const leastSide = 128;
/** Of the noise that was given, what must be in what is taken away: 0.41 to 0.81 with the shipped networks, 0 of one that does nothing. */
const leastShare = 0.05;
/** By how much waves may come out larger or smaller: 2 % at most with the shipped networks. */
const mostGain = 0.15;
/** Times the limit of the card: a task takes away a part of the residual alone, and puts the mean back. */
const mostShift = 2;

/** What becomes of a smooth image under white noise of a known strength. */
interface Outcome {
  /** Of the noise, that is taken away. */
  readonly share: number;
  /** Mean of the answer less that of the input; the modality's unit. */
  readonly shift: number;
  /** Waves in the answer over those in the image. */
  readonly gain: number;
}

async function denoised(session: Session, input: Denoising): Promise<Outcome> {
  const { scale, multipleOf } = input;
  const side = Math.ceil(leastSide / multipleOf) * multipleOf;
  const size = side * side;
  const planes = planesOf(input);
  const random = whiteNoise(planes * size, 1);
  const waves = Float32Array.from({ length: size }, (_, at) => (amplitude * waveAt(at, side)) / scale);
  const x = Float32Array.from(
    { length: planes * size },
    (_, at) => (level + sigma * (random[at] ?? 0)) / scale + (waves[at % size] ?? 0),
  ).fill(sigma / scale, size, 2 * size);
  const answer = await session.run(input.input, input.output, x, [1, planes, side, side]);
  const end = endOf(side);
  let [count, shift, noise, taken, power, kept] = [0, 0, 0, 0, 0, 0];
  for (let row = margin; row < end; row++) {
    for (let column = margin; column < end; column++) {
      const at = row * side + column;
      const [given, wave, got] = [x[at] ?? 0, waves[at] ?? 0, answer[at] ?? Number.NaN];
      const grain = given - level / scale - wave;
      count += 1;
      shift += got - given;
      noise += grain * grain;
      taken += grain * (given - got);
      power += wave * wave;
      kept += wave * (got - grain);
    }
  }
  return { share: taken / noise, shift: (shift * scale) / count, gain: kept / power };
}

/** Runs the graph on noise of a known strength over long waves, other noise in each slice that it sees. */
export async function noiseFaults(
  session: Session,
  input: Denoising,
  { meanShift }: Pick<ModelCard['limits'], 'meanShift'>,
): Promise<readonly string[]> {
  const { share, shift, gain } = await denoised(session, input);
  const faults: string[] = [];
  if (!(share >= leastShare)) {
    const found = `${Math.round(100 * share)} % of white noise that is as strong as its noise map says (${sigma} of the modality's unit)`;
    faults.push(`the graph takes away ${found}: a task would make nothing of it; y must be the image with less noise`);
  }
  if (!(Math.abs(gain - 1) <= mostGain))
    faults.push(`the graph answers long waves with ${gain.toFixed(2)} times their height: y must be in the unit of x`);
  if (meanShift !== null && !(Math.abs(shift) <= mostShift * meanShift))
    faults.push(
      `the graph moves the mean by ${shift.toFixed(2)} of the modality's unit, limits.meanShift is ${meanShift}: its results would be withheld`,
    );
  return faults;
}
