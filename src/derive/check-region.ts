// Own check: of ultrasound only grey tissue within its regions changes, and it stays grey (conformance 3.3).
import type { DataSet } from '../dicom/data-set.js';
import type { PixelDescription } from '../dicom/pixel-description.js';
import { colouredPixels, greyOf, tissueRegions } from '../dicom/ultrasound.js';
import { ultrasoundClasses } from '../dicom/uids.js';
import { text } from '../dicom/values.js';
import type { Fault } from './faults.js';

/** @param values stored values of the derived image, @param pixels of its source, on the same grid */
export function checkRegion(
  values: Int32Array,
  pixels: Int32Array,
  { dataSet, description }: { readonly dataSet: DataSet; readonly description: PixelDescription },
  fault: Fault,
): void {
  if (!ultrasoundClasses.has(text(dataSet, 'SOPClassUID') ?? '')) return;
  const { samples, bitsStored } = description;
  const tissue = tissueRegions(dataSet, description);
  const coloured = colouredPixels(pixels, description);
  const grey = greyOf(pixels, description);
  const brightest = 2 ** bitsStored - 1;
  let [outside, marks, tinted] = [0, 0, 0];
  for (let i = 0; i < tissue.length; i++) {
    const at = i * samples;
    const moved = moveOf(values, pixels, at, samples);
    if (moved === 0) continue;
    if (tissue[i] === 0) outside++;
    else if (coloured?.[i] === 1 || grey[i] === brightest) marks++;
    else if (!isAlike(values, pixels, { at, samples, moved, brightest })) tinted++;
  }
  if (outside > 0) fault('REGION', `${outside} pixels outside the tissue's regions changed`);
  if (marks > 0) fault('MARKS', `${marks} pixels in colour or full white changed`);
  if (tinted > 0) fault('COLOUR', `${tinted} pixels of tissue have another colour`);
}

/** The greatest change of one of a pixel's samples. */
function moveOf(values: Int32Array, pixels: Int32Array, at: number, samples: number): number {
  let moved = 0;
  for (let sample = at; sample < at + samples; sample++) {
    const own = (values[sample] ?? 0) - (pixels[sample] ?? 0);
    if (Math.abs(own) > Math.abs(moved)) moved = own;
  }
  return moved;
}

/** Whether every sample moved as far, but for those that black or white held back. */
function isAlike(
  values: Int32Array,
  pixels: Int32Array,
  { at, samples, moved, brightest }: { at: number; samples: number; moved: number; brightest: number },
): boolean {
  for (let sample = at; sample < at + samples; sample++) {
    const expected = Math.min(brightest, Math.max(0, (pixels[sample] ?? 0) + moved));
    if (values[sample] !== expected) return false;
  }
  return true;
}
