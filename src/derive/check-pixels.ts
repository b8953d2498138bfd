// Own check: the pixels themselves, and what the header says of them (conformance 3.3).
import { isReason, pixelDescription } from '../dicom/pixel-description.js';
import type { PixelDescription } from '../dicom/pixel-description.js';
import { pixelsOfPlanes } from '../dicom/colour.js';
import { header } from '../dicom/element.js';
import { words } from '../dicom/pixels.js';
import { storedRange } from '../dicom/rescale.js';
import { transferSyntax } from '../dicom/uids.js';
import { find, number, text, texts } from '../dicom/values.js';
import type { SourceInstance } from './derive-instance.js';
import type { Check } from './faults.js';
import { checkRegion } from './check-region.js';
import { derivedDescription, onNewGrid, onSourceGrid, scaleOf } from './grid.js';

type Padding = NonNullable<PixelDescription['padding']>;

/** Mean shift and correlation that a derived slice must keep with its source. */
const most = { shift: 0.05, leastShift: 1, correlation: 0.8 };
/** Below this spread (stored values) rounding alone may leave a slice as it was. */
const flat = 4;
/** What rounding to stored values takes away: half a step, and what single precision adds to it. */
const halfStep = 0.51;

export function checkPixels(check: Check): void {
  const { source, derived, plan, fault } = check;
  const { description } = source;
  const found = pixelDescription(derived.dataSet);
  if (isReason(found)) return fault('PIXEL', `pixel description is refused: ${found.code} ${found.detail}`);
  if (JSON.stringify(found) !== JSON.stringify(derivedDescription(description, plan)))
    fault('PIXEL', "pixel description differs from the source's");
  checkLossy(check);
  const element = find(derived.dataSet, 'PixelData');
  const size = description.bitsAllocated / 8;
  const bytes = source.pixels.length * scaleOf(plan) ** 2 * size;
  if (element === undefined || element.fragments !== null) return fault('PIXEL', 'no native Pixel Data');
  if (element.length !== bytes + (bytes & 1))
    return fault('PIXEL', `${element.length} bytes of Pixel Data, ${bytes} expected`);
  if (size > 1 && element.vr !== 'OW') fault('PIXEL', `Pixel Data has VR ${element.vr}`);
  const raw = derived.dataSet.value(element).subarray(0, bytes);
  checkValues(check, samplesOf(raw, derivedDescription(description, plan)));
}

/** Range, padding, smallest and largest, likeness to the source. */
function checkValues(check: Check, values: Int32Array): void {
  const { source, derived, plan, fault } = check;
  const { description, pixels } = source;
  const { low, high } = storedRange(description);
  const there = onNewGrid(pixels, description, plan);
  const { smallest, largest, same } = extremes(values, there);
  if (smallest < low || largest > high) fault('PIXEL', `values do not fit ${description.bitsStored} bits`);
  for (const [keyword, expected] of [
    ['SmallestImagePixelValue', smallest],
    ['LargestImagePixelValue', largest],
  ] as const) {
    const element = find(derived.dataSet, keyword);
    if ((element === undefined) !== (find(source.dataSet, keyword) === undefined)) {
      fault('MINMAX', `${keyword} is in one of source and derived only`);
    }
    if (element === undefined) continue;
    if (number(derived.dataSet, keyword) !== expected) fault('MINMAX', `${keyword} is not the pixels' own`);
    if (element.vr !== (description.signed ? 'SS' : 'US')) fault('MINMAX', `${keyword} has VR ${element.vr}`);
  }
  checkRegion(values, pixels, source, fault);
  checkLikeness({ values, there, pixels, same }, description, check);
}

/** Stored values of an image and of its source: `there` on the image's grid, `pixels` on the source's. */
interface Compared {
  readonly values: Int32Array;
  readonly there: Int32Array;
  readonly pixels: Int32Array;
  /** Whether all values are the source's. */
  readonly same: boolean;
}

/** Padding, and likeness of derived stored values to their source's. */
function checkLikeness(
  { values, there, pixels, same }: Compared,
  description: PixelDescription,
  { plan, largestChange, isPlain, fault }: Pick<Check, 'plan' | 'largestChange' | 'isPlain' | 'fault'>,
): void {
  const { padding } = description;
  if (padding !== null) {
    const { lost, made } = paddingFaults(values, there, padding);
    if (lost > 0 || made > 0) fault('PADDING', `${lost} padding pixels changed, ${made} pixels became padding`);
  }
  const { spread, shift, correlation } = likeness(onSourceGrid(values, description, plan), pixels, padding);
  if (spread === 0) return;
  if (shift > Math.max(most.leastShift, most.shift * spread))
    fault('CONTENT', `mean moved by ${shift.toFixed(2)} stored values`);
  if (correlation < most.correlation) fault('CONTENT', `correlation with the source is ${correlation.toFixed(3)}`);
  const isRounded = largestChange !== null && largestChange > 0 && largestChange <= halfStep;
  if (same && plan.strengthAsked > 0 && spread >= flat && !isRounded && !isPlain)
    fault('UNCHANGED', "pixels are the source's, yet a strength is declared");
}

/**
 * Faults of one frame of an object with several, as its bytes say it.
 * @param bytes little endian samples of the frame
 * @param pixels stored values of the source's frame
 */
export function checkFrame(
  bytes: Uint8Array,
  pixels: Int32Array,
  source: SourceInstance,
  check: Pick<Check, 'plan' | 'largestChange' | 'isPlain' | 'fault'>,
): { readonly smallest: number; readonly largest: number } {
  const { plan, fault } = check;
  const { description } = source;
  const values = samplesOf(bytes, derivedDescription(description, plan));
  const there = onNewGrid(pixels, description, plan);
  if (values.length !== there.length) fault('PIXEL', `${values.length} pixels, ${there.length} expected`);
  const { low, high } = storedRange(description);
  const { smallest, largest, same } = extremes(values, there);
  if (smallest < low || largest > high) fault('PIXEL', `values do not fit ${description.bitsStored} bits`);
  checkRegion(values, pixels, source, fault);
  checkLikeness({ values, there, pixels, same }, description, check);
  return { smallest, largest };
}

/**
 * The pixel description of an object of several frames, and the header of its Pixel Data.
 * @param behind what stands behind the last element before Pixel Data
 */
export function checkPixelHeader({ source, derived, plan, fault }: Check, behind: Uint8Array): void {
  const { description } = source;
  const found = pixelDescription(derived.dataSet);
  if (JSON.stringify(found) !== JSON.stringify(derivedDescription(description, plan)))
    fault('PIXEL', "pixel description differs from the source's");
  const { rows, columns, samples, frames, bitsAllocated } = derivedDescription(description, plan);
  const bytes = rows * columns * samples * frames * (bitsAllocated / 8);
  const expected = header(0x7fe00010, bitsAllocated > 8 ? 'OW' : 'OB', bytes + (bytes & 1));
  if (behind.length !== expected.length || expected.some((byte, index) => byte !== behind[index]))
    fault('PIXEL', 'the header of Pixel Data is not that of its frames');
}

/** Signed samples are read whole, so that a sign that was not extended shows as a value that does not fit. */
function samplesOf(raw: Uint8Array, { bitsAllocated, signed, byPlanes }: PixelDescription): Int32Array {
  const samples = bitsAllocated === 8 ? raw : words(raw, true);
  if (!signed) return byPlanes ? pixelsOfPlanes(new Int32Array(samples)) : new Int32Array(samples);
  const whole =
    bitsAllocated === 8
      ? new Int8Array(samples.buffer, samples.byteOffset, samples.length)
      : new Int16Array(samples.buffer, samples.byteOffset, samples.length);
  return new Int32Array(whole);
}

function extremes(values: Int32Array, pixels: Int32Array): { smallest: number; largest: number; same: boolean } {
  let smallest = values[0] ?? 0;
  let largest = smallest;
  let different = 0;
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? 0;
    if (value < smallest) smallest = value;
    if (value > largest) largest = value;
    if (value !== pixels[index]) different++;
  }
  return { smallest, largest, same: different === 0 };
}

function paddingFaults(values: Int32Array, pixels: Int32Array, { low, high }: Padding): { lost: number; made: number } {
  let lost = 0;
  let made = 0;
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? 0;
    const was = pixels[index] ?? 0;
    if (was >= low && was <= high) {
      if (value !== was) lost++;
    } else if (value >= low && value <= high) made++;
  }
  return { lost, made };
}

/** Standard deviation of the source, mean shift and correlation of the derived slice with it; padding does not count. */
function likeness(
  values: Int32Array,
  pixels: Int32Array,
  padding: Padding | null,
): { spread: number; shift: number; correlation: number } {
  // Without padding: a range that no value lies in.
  const { low, high } = padding ?? { low: 1, high: 0 };
  let count = 0;
  let sum = 0;
  let sumChange = 0;
  let squares = 0;
  let squaresChange = 0;
  let products = 0;
  for (let index = 0; index < values.length; index++) {
    const value = pixels[index] ?? 0;
    if (value >= low && value <= high) continue;
    const change = (values[index] ?? 0) - value;
    count++;
    sum += value;
    sumChange += change;
    squares += value * value;
    squaresChange += change * change;
    products += value * change;
  }
  if (count === 0) return { spread: 0, shift: 0, correlation: 1 };
  const variance = squares / count - (sum / count) ** 2;
  const covariance = products / count - (sum / count) * (sumChange / count);
  // The derived value is the source's plus its change.
  const own = variance + 2 * covariance + squaresChange / count - (sumChange / count) ** 2;
  const correlation = own > 0 && variance > 0 ? (variance + covariance) / Math.sqrt(variance * own) : 0;
  return { spread: Math.sqrt(Math.max(0, variance)), shift: Math.abs(sumChange) / count, correlation };
}

/** Lossy history never goes away and is never invented. */
export function checkLossy({ source, derived, fault }: Check): void {
  const [from, to] = [source.dataSet, derived.dataSet];
  const flag = text(to, 'LossyImageCompression');
  const method = transferSyntax(source.part10.transferSyntaxUid)?.lossyMethod ?? null;
  const lossy = method !== null || text(from, 'LossyImageCompression') === '01';
  if (lossy ? flag !== '01' : flag !== text(from, 'LossyImageCompression'))
    fault('LOSSY', 'Lossy Image Compression is not as it must be');
  const written = (ds: typeof from, keyword: string): string => texts(ds, keyword).join('\\');
  for (const [keyword, otherwise] of [
    ['LossyImageCompressionRatio', ''],
    ['LossyImageCompressionMethod', method ?? ''],
  ] as const) {
    const expected = lossy ? written(from, keyword) || otherwise : '';
    if (written(to, keyword) !== expected)
      fault('LOSSY', lossy ? 'history of compression is lost or made up' : 'ratio or method without the flag');
  }
}
