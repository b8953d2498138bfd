// An object of several frames derived in memory, as a task's child writes it to the disk.
import { checkSeries, headerSummary, sampleOf } from '../../src/derive/check-series.js';
import type { Sample } from '../../src/derive/check-series.js';
import { derivedDescription } from '../../src/derive/grid.js';
import { text } from '../../src/dicom/values.js';
import { checkFrame } from '../../src/derive/check-pixels.js';
import { checkObjectHeader } from '../../src/derive/check-object.js';
import { deriveHeader } from '../../src/derive/derive-instance.js';
import type { Fault } from '../../src/derive/faults.js';
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
  const fault: Fault = (rule, what) => faults.push(`${rule}: ${what}`);
  const frames: Uint8Array[] = [];
  const range = { smallest: Infinity, largest: -Infinity };
  for (let frame = 0; frame < first.frames; frame++) {
    const description = pixelDescription(instance.dataSet, frame);
    if (isReason(description)) throw new Error(description.code);
    const stored = await decodePixels(instance.dataSet, description, instance.part10.transferSyntaxUid, frame);
    const bytes = framePixels(onFrame(stored, description), derivedDescription(description, plan));
    const own = checkFrame(
      bytes,
      stored,
      { ...instance, description },
      { plan, largestChange: null, isPlain: false, fault },
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

/**
 * What limpid's own checks have against a derived object of several frames as it lies on the disk: of each frame, of the header, and of
 * the frames among one another.
 */
export async function objectFaults(instance: Instance, bytes: Uint8Array, plan: DerivationPlan): Promise<string[]> {
  const first = pixelDescription(instance.dataSet);
  if (isReason(first)) throw new Error(first.code);
  const faults: string[] = [];
  const fault: Fault = (rule, what) => faults.push(`${rule}: ${what}`);
  const { rows, columns, samples, frames, bitsAllocated } = derivedDescription(first, plan);
  const size = rows * columns * samples * (bitsAllocated / 8);
  const header = bytes.subarray(0, bytes.length - size * frames);
  const range = { smallest: Infinity, largest: -Infinity };
  const images: Sample[] = [];
  for (let frame = 0; frame < frames; frame++) {
    const description = pixelDescription(instance.dataSet, frame);
    if (isReason(description)) throw new Error(description.code);
    const stored = await decodePixels(instance.dataSet, description, instance.part10.transferSyntaxUid, frame);
    const own = bytes.subarray(header.length + frame * size, header.length + (frame + 1) * size);
    const found = checkFrame(
      own,
      stored,
      { ...instance, description },
      { plan, largestChange: null, isPlain: false, fault },
    );
    range.smallest = Math.min(range.smallest, found.smallest);
    range.largest = Math.max(range.largest, found.largest);
    const values = bitsAllocated === 8 ? own : new Uint16Array(own.slice().buffer);
    images.push(sampleOf(Int32Array.from(values), stored));
  }
  const checked = checkObjectHeader({ ...instance, description: first }, header, plan, range);
  faults.push(...checked.faults);
  if (checked.derived === null) return faults;
  const uid = text(instance.dataSet, 'SOPInstanceUID') ?? '';
  return [...faults, ...checkSeries([uid], [headerSummary(checked.derived.dataSet, images)], plan)];
}
