// Own check: of ultrasound only grey tissue within its regions changes, and it stays grey (conformance 3.3).
import { tissueRegions } from '../dicom/ultrasound-regions.js';
import { colouredPixels, greyOf, whiteFrom } from '../dicom/ultrasound.js';
import { ultrasoundClasses } from '../dicom/uids.js';
import { text } from '../dicom/values.js';
import type { SourceInstance } from './derive-instance.js';
import type { Fault } from './faults.js';

/** @param values stored values of the derived image, @param pixels of its source, on the same grid */
export function checkRegion(values: Int32Array, pixels: Int32Array, source: SourceInstance, fault: Fault): void {
  const { dataSet, description } = source;
  if (!ultrasoundClasses.has(text(dataSet, 'SOPClassUID') ?? '')) return;
  const { samples, bitsStored } = description;
  const tissue = tissueRegions(dataSet, description);
  const coloured = colouredPixels(pixels, description);
  const grey = greyOf(pixels, description);
  const [brightest, white] = [2 ** bitsStored - 1, whiteFrom(source, description)];
  let [outside, marks, tinted] = [0, 0, 0];
  for (let i = 0; i < tissue.length; i++) {
    const at = i * samples;
    const moved = moveOf(values, pixels, at, samples);
    if (moved === 0) continue;
    if (tissue[i] === 0) outside++;
    else if (coloured?.[i] === 1 || (grey[i] ?? 0) >= white) marks++;
    else if (!isAlike(values, pixels, { at, samples, moved, brightest })) tinted++;
  }
  if (outside > 0) fault('REGION', `${outside} pixels outside the tissue's regions changed`);
  if (marks > 0) fault('MARKS', `${marks} pixels in colour or white changed`);
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
