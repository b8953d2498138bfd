// An object of several frames derived in memory, as a task's child writes it to the disk.
import { checkFrame } from '../../src/derive/check-pixels.js';
import { checkObjectHeader } from '../../src/derive/check-object.js';
import { deriveHeader } from '../../src/derive/derive-instance.js';
import { framePixels } from '../../src/derive/pixel-data.js';
import type { DerivationPlan } from '../../src/derive/plan.js';
import { joined } from '../../src/dicom/element.js';
import type { Instance } from '../../src/dicom/file.js';
import { isReason, pixelDescription } from '../../src/dicom/pixel-description.js';
import type { PixelDescription } from '../../src/dicom/pixel-description.js';
import { decodePixels } from '../../src/dicom/pixels.js';

/** What is done to the stored values of one frame. */
export type OnFrame = (stored: Int32Array, description: PixelDescription) => Int32Array;

/** The derived object, and what limpid's own checks have against it. */
export async function derivedObject(
  instance: Instance,
  plan: DerivationPlan,
  onFrame: OnFrame,
  nowMs: number,
): Promise<{ bytes: Uint8Array; faults: string[] }> {
  const first = pixelDescription(instance.dataSet);
  if (isReason(first)) throw new Error(first.code);
  const faults: string[] = [];
  const frames: Uint8Array[] = [];
  const range = { smallest: Infinity, largest: -Infinity };
  for (let frame = 0; frame < first.frames; frame++) {
    const description = pixelDescription(instance.dataSet, frame);
    if (isReason(description)) throw new Error(description.code);
    const stored = await decodePixels(instance.dataSet, description, instance.part10.transferSyntaxUid, frame);
    const bytes = framePixels(onFrame(stored, description), description);
    const own = checkFrame(bytes, stored, { ...instance, description }, plan, (rule, what) =>
      faults.push(`${rule}: ${what}`),
    );
    range.smallest = Math.min(range.smallest, own.smallest);
    range.largest = Math.max(range.largest, own.largest);
    frames.push(bytes);
  }
  const figures = { noiseBefore: 24.1, noiseAfter: 14.5 };
  const header = deriveHeader({ ...instance, description: first }, plan, range, figures, nowMs);
  faults.push(...checkObjectHeader({ ...instance, description: first }, header, plan, range).faults);
  return { bytes: joined([header, ...frames]), faults };
}
