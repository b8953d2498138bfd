/** What a node must have done with the phantoms of the acceptance kit. */
import { edgeResponse } from '../imaging/edge-response.js';
import type { Slice } from '../imaging/slice.js';
import { correlation, meanAndDeviation, median } from '../imaging/statistics.js';
import { meanFigures, pairFigures, protocolFor } from './pair-figures.js';
import { faintDiscs, loneDisc, pixelsOf, showsLoneDisc, side, uniformRegion, usImageTop } from './phantoms.js';
import type { Disc, PhantomName } from './phantoms.js';
import { largestLocalChange } from './small-areas.js';

/** One slice as it was drawn, sent, and came back. */
export interface Returned {
  /** Of the slice in its phantom, from 0. */
  readonly index: number;
  readonly truth: Slice;
  readonly sent: Slice;
  readonly back: Slice;
}

export interface Check {
  readonly check: string;
  readonly measured: string;
  readonly must: string;
  readonly holds: boolean;
}

const uniform = pixelsOf(uniformRegion);
interface Place {
  readonly inside: Int32Array;
  readonly around: Int32Array;
}

/** The inside of a faint disc, and a ring around it. */
const placeOf = (disc: Disc): Place => ({
  inside: pixelsOf({ ...disc, radius: disc.radius - 2 }),
  around: pixelsOf({ ...disc, radius: disc.radius + 7 }, disc.radius + 3),
});
const faint = faintDiscs.map(placeOf);
const lone = placeOf(loneDisc);

const valuesAt = ({ values }: Slice, pixels: Int32Array): Float32Array =>
  Float32Array.from(pixels, (pixel) => values[pixel] ?? Number.NaN);
const meanAt = (slice: Slice, pixels: Int32Array): number => meanAndDeviation(valuesAt(slice, pixels)).mean;
const contrast = (slice: Slice, { inside, around }: Place): number => meanAt(slice, inside) - meanAt(slice, around);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
function meanSlice(slices: readonly Slice[]): Slice {
  const values = new Float32Array(side * side);
  for (const slice of slices)
    for (let i = 0; i < values.length; i++) values[i]! += (slice.values[i] ?? 0) / slices.length;
  return { rows: side, columns: side, values };
}

function check(name: string, value: number, digits: number, must: string, holds: boolean): Check {
  return { check: name, measured: value.toFixed(digits), must, holds: holds && Number.isFinite(value) };
}

/** What stands over the truth in uniform tissue. */
function noiseIn(slice: Slice, { truth }: Returned): Float32Array {
  const drawn = valuesAt(truth, uniform);
  return valuesAt(slice, uniform).map((value, i) => value - (drawn[i] ?? 0));
}

/** Deviation from the truth in uniform tissue, after over before: the middle of the slices, or the first that is out of bounds. */
function noiseCheck(slices: readonly Returned[]): Check {
  const noise = (slice: Slice, of: Returned): number => meanAndDeviation(noiseIn(slice, of)).deviation;
  const ratios = slices.map((one) => noise(one.back, one) / noise(one.sent, one));
  const isIn = (ratio: number): boolean => ratio >= 0.2 && ratio <= 0.95;
  const told = ratios.find((ratio) => !isIn(ratio)) ?? median(Float32Array.from(ratios));
  return check('noise kept in uniform tissue', told, 2, '0.2 to 0.95', ratios.every(isIn));
}

/** No noise is like another slice's: what is left of it tells whose pixels came back. */
function ownNoiseCheck(slices: readonly Returned[]): Check {
  const least = Math.min(...slices.map((one) => correlation(noiseIn(one.back, one), noiseIn(one.sent, one))));
  return check('likeness to the slice that was sent', least, 2, '> 0.3', least > 0.3);
}

const units: Readonly<Record<PhantomName, string>> = { ct: 'HU', mr: 'counts', us: 'grey levels' };
/** In the unit of the phantom. */
const mostLocalChange: Readonly<Record<PhantomName, number>> = { ct: 20, mr: 40, us: 30 };

function localCheck(name: PhantomName, slices: readonly Returned[]): Check {
  const largest = Math.max(...slices.map(({ sent, back, truth }) => largestLocalChange(sent, back, truth)));
  const most = mostLocalChange[name];
  return check('change of a small area', largest, 1, `< ${most} ${units[name]}`, largest < most);
}

function volumeChecks(name: 'ct' | 'mr', slices: readonly Returned[]): Check[] {
  const modality = name === 'ct' ? 'CT' : 'MR';
  const figures = (pick: (slice: Returned) => Slice): ReturnType<typeof meanFigures> =>
    meanFigures(slices.map((slice) => pairFigures(pick(slice), slice.truth, protocolFor(modality, slice.truth))));
  const [sent, back] = [figures((slice) => slice.sent), figures((slice) => slice.back)];
  // Equal to the truth no slice is.
  const psnrGain = (back.psnr ?? Number.NaN) - (sent.psnr ?? Number.NaN);
  const ssimGain = (back.ssim ?? Number.NaN) - (sent.ssim ?? Number.NaN);
  const shift = mean(slices.map((slice) => Math.abs(meanAt(slice.back, uniform) - meanAt(slice.sent, uniform))));
  const disc = mean(
    faint.map(
      (place) =>
        mean(slices.map(({ back: after }) => contrast(after, place))) /
        mean(slices.map(({ sent: before }) => contrast(before, place))),
    ),
  );
  // All slices show the same edges: their mean has hardly any noise left.
  const sigma = (name === 'ct' ? 20 : 30) / Math.sqrt(slices.length);
  const edge = (pick: (slice: Returned) => Slice): number =>
    edgeResponse(meanSlice(slices.map(pick)), sigma).mtf50 ?? Number.NaN;
  const sharpness = edge((slice) => slice.back) / edge((slice) => slice.sent);
  const mostShift = name === 'ct' ? 1 : 5;
  return [
    check('PSNR gain, dB', psnrGain, 2, '> 0.5', psnrGain > 0.5),
    check('SSIM gain', ssimGain, 4, '> 0', ssimGain > 0),
    check('mean shift in uniform tissue', shift, 2, `< ${mostShift} ${units[name]}`, shift < mostShift),
    check('contrast of faint discs kept', disc, 2, '0.7 to 1.2', disc > 0.7 && disc < 1.2),
    check('sharpness of edges kept', sharpness, 2, '0.9 to 1.2', sharpness > 0.9 && sharpness < 1.2),
  ];
}

/** What is in one slice alone, of a model that sees its neighbours as well. */
function loneChecks(slices: readonly Returned[]): Check[] {
  const of = (pick: (slice: Returned) => Slice, some: readonly Returned[]): number =>
    mean(some.map((slice) => contrast(pick(slice), lone)));
  const shown = slices.filter(({ index }) => showsLoneDisc(index));
  const beside = slices.filter(({ index }) => showsLoneDisc(index - 1) || showsLoneDisc(index + 1));
  const full = of(({ truth }) => truth, shown);
  const lost = (some: readonly Returned[]): number => of(({ back }) => back, some) - of(({ sent }) => sent, some);
  const kept = 1 + lost(shown) / full;
  const shadow = lost(beside) / full;
  return [
    check('contrast kept of a disc in one slice', kept, 2, '0.7 to 1.2', kept > 0.7 && kept < 1.2),
    check('shadow of it in the slices beside', shadow, 2, '-0.15 to 0.15', Math.abs(shadow) < 0.15),
  ];
}

function ultrasoundChecks(slices: readonly Returned[]): Check[] {
  let changed = 0;
  for (const { sent, back } of slices) {
    for (let i = 0; i < usImageTop * side; i++) if (sent.values[i] !== back.values[i]) changed++;
  }
  return [check('pixels of text changed', changed, 0, '0', changed === 0)];
}

/** The checks of one phantom, over the slices that came back. */
export function acceptanceChecks(name: PhantomName, slices: readonly Returned[]): readonly Check[] {
  return [
    noiseCheck(slices),
    ownNoiseCheck(slices),
    localCheck(name, slices),
    ...(name === 'us' ? ultrasoundChecks(slices) : volumeChecks(name, slices)),
    ...(name === 'us' ? [] : loneChecks(slices)),
  ];
}
