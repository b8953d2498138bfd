// Own check: the pixels themselves, and what the header says of them (conformance 3.3).
import { isReason, pixelDescription } from '../dicom/pixel-description.js';
import { storedRange } from '../dicom/rescale.js';
import { transferSyntax } from '../dicom/uids.js';
import { find, number, text, texts } from '../dicom/values.js';
import type { Check } from './faults.js';

/** Mean shift and correlation that a derived slice must keep with its source. */
const most = { shift: 0.05, leastShift: 1, correlation: 0.8 };
/** Below this spread (stored values) rounding alone may leave a slice as it was. */
const flat = 4;

export function checkPixels(check: Check): void {
  const { source, derived, fault } = check;
  const { description } = source;
  const found = pixelDescription(derived.dataSet);
  if (isReason(found)) return fault('PIXEL', `pixel description is refused: ${found.code} ${found.detail}`);
  if (JSON.stringify(found) !== JSON.stringify(description))
    fault('PIXEL', "pixel description differs from the source's");
  checkLossy(check);
  const element = find(derived.dataSet, 'PixelData');
  const size = description.bitsAllocated / 8;
  const bytes = source.pixels.length * size;
  if (element === undefined || element.fragments !== null) return fault('PIXEL', 'no native Pixel Data');
  if (element.length !== bytes + (bytes & 1))
    return fault('PIXEL', `${element.length} bytes of Pixel Data, ${bytes} expected`);
  if (size > 1 && element.vr !== 'OW') fault('PIXEL', `Pixel Data has VR ${element.vr}`);
  const raw = derived.dataSet.value(element);
  const values = new Int32Array(source.pixels.length);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  for (let index = 0; index < values.length; index++) {
    const unsigned = size === 1 ? (raw[index] ?? 0) : view.getUint16(2 * index, true);
    const shift = 32 - description.bitsAllocated;
    values[index] = description.signed ? (unsigned << shift) >> shift : unsigned;
  }
  checkValues(check, values);
}

/** Range, padding, smallest and largest, likeness to the source; one pass over the pixels. */
function checkValues({ source, derived, plan, fault }: Check, values: Int32Array): void {
  const { description, pixels } = source;
  const { low, high } = storedRange(description);
  const padding = description.padding;
  let [smallest, largest, outside, lost, made, same] = [Infinity, -Infinity, 0, 0, 0, 0];
  let [n, sumX, sumY, sumXX, sumYY, sumXY] = [0, 0, 0, 0, 0, 0];
  for (let index = 0; index < values.length; index++) {
    const x = values[index] ?? 0;
    const y = pixels[index] ?? 0;
    if (x < smallest) smallest = x;
    if (x > largest) largest = x;
    if (x < low || x > high) outside++;
    if (x === y) same++;
    if (padding !== null) {
      const was = y >= padding.low && y <= padding.high;
      if (was && x !== y) lost++;
      if (!was && x >= padding.low && x <= padding.high) made++;
      if (was) continue;
    }
    n++;
    sumX += x;
    sumY += y;
    sumXX += x * x;
    sumYY += y * y;
    sumXY += x * y;
  }
  if (outside > 0) fault('PIXEL', `${outside} values do not fit ${description.bitsStored} bits`);
  if (lost > 0 || made > 0) fault('PADDING', `${lost} padding pixels changed, ${made} pixels became padding`);
  for (const [keyword, expected] of [
    ['SmallestImagePixelValue', smallest],
    ['LargestImagePixelValue', largest],
  ] as const) {
    const element = find(derived.dataSet, keyword);
    if ((element === undefined) !== (find(source.dataSet, keyword) === undefined))
      fault('MINMAX', `${keyword} is in one of source and derived only`);
    if (element === undefined) continue;
    if (number(derived.dataSet, keyword) !== expected) fault('MINMAX', `${keyword} is not the pixels' own`);
    if (element.vr !== (description.signed ? 'SS' : 'US')) fault('MINMAX', `${keyword} has VR ${element.vr}`);
  }
  if (n === 0) return;
  const spread = Math.sqrt(Math.max(0, sumYY / n - (sumY / n) ** 2));
  const own = Math.sqrt(Math.max(0, sumXX / n - (sumX / n) ** 2));
  const shift = Math.abs(sumX - sumY) / n;
  if (spread === 0) return;
  if (shift > Math.max(most.leastShift, most.shift * spread))
    fault('CONTENT', `mean moved by ${shift.toFixed(2)} stored values`);
  const correlation = own === 0 ? 0 : (sumXY / n - (sumX / n) * (sumY / n)) / (spread * own);
  if (correlation < most.correlation) fault('CONTENT', `correlation with the source is ${correlation.toFixed(3)}`);
  if (same === values.length && plan.strengthAsked > 0 && spread >= flat)
    fault('UNCHANGED', "pixels are the source's, yet a strength is declared");
}

/** Lossy history never goes away and is never invented. */
function checkLossy({ source, derived, fault }: Check): void {
  const [from, to] = [source.dataSet, derived.dataSet];
  const flag = text(to, 'LossyImageCompression');
  const method = transferSyntax(source.part10.transferSyntaxUid)?.lossyMethod ?? null;
  const lossy = method !== null || text(from, 'LossyImageCompression') === '01';
  if (lossy ? flag !== '01' : flag !== text(from, 'LossyImageCompression'))
    fault('LOSSY', 'Lossy Image Compression is not as it must be');
  const history = (ds: typeof from): string =>
    ['LossyImageCompressionRatio', 'LossyImageCompressionMethod']
      .map((keyword) => texts(ds, keyword).join('\\'))
      .join();
  const former = history(from);
  if (lossy && former !== ',' && !history(to).startsWith(former.replace(/,$/, '')))
    fault('LOSSY', 'history of compression is lost');
  if (!lossy && history(to) !== ',') fault('LOSSY', 'ratio or method without the flag');
}
