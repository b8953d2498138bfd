// The gate before sending, for an object of several frames: its header is read back and compared like that of a classic object; its
// frames were compared one by one while they were written, and what lies on the disk is held against that.
import { readInstanceHeader } from '../dicom/file.js';
import type { Instance } from '../dicom/file.js';
import { isReason, pixelDescription } from '../dicom/pixel-description.js';
import { find, number } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import { checkHeader } from './check-header.js';
import { checkLossy, checkPixelHeader } from './check-pixels.js';
import { checkMeta } from './check.js';
import type { SourceInstance } from './derive-instance.js';
import { selectionOf } from './encode.js';
import type { Fault } from './faults.js';
import type { PixelRange } from './pixel-data.js';
import type { DerivationPlan } from './plan.js';

/**
 * Faults of a derived object's header, `RULE: what`.
 * @param headerBytes the Part 10 file up to and with the header of Pixel Data
 * @param range of all frames' stored values
 */
export function checkObjectHeader(
  source: SourceInstance,
  headerBytes: Uint8Array,
  plan: DerivationPlan,
  range: PixelRange,
): { readonly faults: readonly string[]; readonly derived: Instance | null } {
  const faults: string[] = [];
  const fault: Fault = (rule, what) => faults.push(`${rule}: ${what}`);
  try {
    const { part10, dataSet, complete } = readInstanceHeader(headerBytes);
    const derived = { bytes: headerBytes, part10, dataSet };
    if (!complete) fault('PIXEL', 'no Pixel Data');
    checkMeta(derived, fault);
    // Pixels are not asked for: they have been compared frame by frame.
    const selection = selectionOf(plan);
    const check = {
      source: { ...source, pixels: new Int32Array(0) },
      derived,
      plan,
      largestChange: null,
      isPlain: false,
      selection,
      fault,
    };
    checkHeader(check);
    checkLossy(check);
    checkPixelHeader(check, headerBytes.subarray(part10.dataSetOffset + dataSet.end));
    for (const [keyword, value] of [
      ['SmallestImagePixelValue', range.smallest],
      ['LargestImagePixelValue', range.largest],
    ] as const) {
      if ((find(dataSet, keyword) === undefined) !== (find(source.dataSet, keyword) === undefined))
        fault('MINMAX', `${keyword} is in one of source and derived only`);
      if (find(dataSet, keyword) !== undefined && number(dataSet, keyword) !== value)
        fault('MINMAX', `${keyword} is not the pixels' own`);
    }
    const described = pixelDescription(dataSet);
    if (isReason(described)) fault('PIXEL', `pixel description is refused: ${described.code} ${described.detail}`);
    return { faults, derived };
  } catch (error) {
    if (!(error instanceof LimpidError)) throw error;
    fault('READ', `cannot be read back: ${error.message}`);
    return { faults, derived: null };
  }
}
