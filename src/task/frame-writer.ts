// Writes an object of several frames a frame at a time, each to its place, and the header when all are there: the object is never in
// memory. What lies on the disk is then read back and held against what was checked.
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { checkObjectHeader } from '../derive/check-object.js';
import { headerSummary } from '../derive/check-series.js';
import type { InstanceSummary } from '../derive/check-series.js';
import { deriveHeader } from '../derive/derive-instance.js';
import type { SourceInstance } from '../derive/derive-instance.js';
import type { FramePart } from '../derive/frame-part.js';
import { derivedDescription } from '../derive/grid.js';
import type { DerivationPlan, SliceFigures } from '../derive/plan.js';
import { derivedInstanceUid } from '../dicom/uid.js';
import { explicitLittleEndian } from '../dicom/uids.js';
import { text } from '../dicom/values.js';
import type { CompleteArgument, FinishedObject } from '../enhance/methods.js';
import { middleOf } from '../enhance/strength.js';
import { LimpidError } from '../errors.js';

const nothingMeasured = { noiseBefore: null, noiseAfter: null };

/** Bytes before the first frame: the same whatever the pixels are. */
export function headerLength(source: SourceInstance, plan: DerivationPlan): number {
  const figures = saysNoise(plan) ? { noiseBefore: 0, noiseAfter: 0 } : nothingMeasured;
  return deriveHeader(source, plan, { smallest: 0, largest: 0 }, figures, plan.startedAtMs).length;
}

/** Whether the object can say a noise of its own: as far as its series does, so that it is known before the first frame. */
function saysNoise({ noise }: DerivationPlan): boolean {
  return noise.before !== null && noise.after !== null;
}

/** Writes all of the bytes: one call may take a part only, and the next one says why. */
async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
  }
}

/** Writes one frame's bytes to their place. */
export async function writeFrame(outFile: string, position: number, bytes: Uint8Array): Promise<void> {
  const file = await open(outFile, constants.O_RDWR | constants.O_CREAT, 0o644);
  try {
    await writeAt(file, bytes, position);
  } finally {
    await file.close();
  }
}

/** SHA-256 of bytes, in hex. */
export function sha256OfBytes(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * Writes the header, syncs, and reads the whole object back.
 *
 * @param source its header, described by its first frame
 */
export async function completeObject(
  source: SourceInstance,
  { plan, parts, outFile, nowMs }: CompleteArgument<DerivationPlan, FramePart>,
): Promise<FinishedObject<InstanceSummary> & { readonly faults: readonly string[] }> {
  const range = {
    smallest: parts.reduce((least, part) => Math.min(least, part.smallest), Number.POSITIVE_INFINITY),
    largest: parts.reduce((most, part) => Math.max(most, part.largest), Number.NEGATIVE_INFINITY),
  };
  const header = deriveHeader(source, plan, range, noiseOf(plan, parts), nowMs);
  const { faults, derived } = checkObjectHeader(source, header, plan, range);
  const { rows, columns, samples, frames, bitsAllocated } = derivedDescription(source.description, plan);
  const frameBytes = rows * columns * samples * (bitsAllocated / 8);
  const found = [...faults];
  if (parts.length !== frames) found.push(`FRAMES: ${parts.length} frames, ${frames} expected`);
  const padding = new Uint8Array((frames * frameBytes) % 2);
  const file = await open(outFile, constants.O_RDWR);
  let onDisk: OnDisk;
  try {
    await writeAt(file, header, 0);
    await writeAt(file, padding, header.length + frames * frameBytes);
    await file.datasync();
    onDisk = await readBack(file, header, parts, frameBytes);
  } finally {
    await file.close();
  }
  found.push(...onDisk.faults);
  const bytes = header.length + frames * frameBytes + padding.length;
  if (onDisk.bytes !== bytes) found.push(`PIXEL: the object has ${onDisk.bytes} bytes, not ${bytes}`);
  if (derived === null) throw new LimpidError('DERIVE_CHECK_FAILED', found.join('; '));
  const sourceUid = text(source.dataSet, 'SOPInstanceUID') ?? '';
  return {
    faults: found,
    summary: headerSummary(
      derived.dataSet,
      parts.map(({ sample }) => sample),
    ),
    instance: {
      file: basename(outFile),
      sopInstanceUid: derivedInstanceUid(plan.seriesInstanceUid, sourceUid),
      sopClassUid: text(source.dataSet, 'SOPClassUID') ?? '',
      transferSyntaxUid: explicitLittleEndian,
      sha256: onDisk.sha256,
      bytes,
      source: sourceUid,
    },
  };
}

/** What a file holds. */
interface OnDisk {
  readonly sha256: string;
  readonly bytes: number;
  /** Against what was checked before it was written. */
  readonly faults: readonly string[];
}

/** Reads a whole object, a frame at a time, and holds it against its header and the digests of its frames. */
export async function readBack(
  file: FileHandle,
  header: Uint8Array,
  parts: readonly Pick<FramePart, 'frame' | 'sha256'>[],
  frameBytes: number,
): Promise<OnDisk> {
  const digest = createHash('sha256');
  const faults: string[] = [];
  const start = await readAt(file, header.length, 0);
  if (Buffer.compare(start, header) !== 0) faults.push('HEADER: what is on the disk is not what was checked');
  digest.update(start);
  for (const [index, { frame, sha256 }] of parts.entries()) {
    const pixels = await readAt(file, frameBytes, header.length + index * frameBytes);
    if (frame !== index || sha256OfBytes(pixels) !== sha256)
      faults.push(`PIXEL: frame ${index + 1} on the disk is not the one that was checked`);
    digest.update(pixels);
  }
  const end = parts.length * frameBytes;
  digest.update(await readAt(file, end % 2, header.length + end));
  const { size } = await file.stat();
  return { sha256: digest.digest('hex'), bytes: size, faults };
}

/** Bytes of a file from a place on: fewer where it ends before. */
async function readAt(file: FileHandle, length: number, position: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  for (let read = -1; read !== 0 && at < length; at += read)
    ({ bytesRead: read } = await file.read(bytes, at, length - at, position + at));
  return bytes.subarray(0, at);
}

/** The middle of the frames' noise, where the series has one. */
function noiseOf(plan: DerivationPlan, parts: readonly FramePart[]): SliceFigures {
  if (!saysNoise(plan)) return nothingMeasured;
  const middle = (pick: (part: FramePart) => number | null, ofSeries: number | null): number | null => {
    const values = parts.map(pick).filter((value) => value !== null);
    return values.length > 0 ? middleOf(values) : ofSeries;
  };
  return {
    noiseBefore: middle((part) => part.noiseBefore, plan.noise.before),
    noiseAfter: middle((part) => part.noiseAfter, plan.noise.after),
  };
}
