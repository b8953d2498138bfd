// An object of several frames on the disk: frames written in any order to their places, the header before them, and what is found where
// the disk does not hold what was checked.
import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { FramePart } from '../../src/derive/frame-part.js';
import { framePixels } from '../../src/derive/pixel-data.js';
import type { DerivationPlan } from '../../src/derive/plan.js';
import type { SourceInstance } from '../../src/derive/derive-instance.js';
import { readInstance } from '../../src/dicom/file.js';
import { isReason, pixelDescription } from '../../src/dicom/pixel-description.js';
import { text } from '../../src/dicom/values.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { completeObject, headerLength, readBack, sha256OfBytes, writeFrame } from '../../src/task/frame-writer.js';
import { described, planFor, smoothed } from '../support/derivation.js';
import { derivedObject } from '../support/derived-object.js';
import { enhancedCt } from '../support/enhanced-ct.js';
import { openFolder } from '../support/temporary.js';

const now = Date.UTC(2026, 10, 21, 10, 16, 0);
const folder = await openFolder();
afterAll(() => folder.remove());

let source: SourceInstance;
let plan: DerivationPlan;
let frames: { readonly bytes: Uint8Array; readonly part: FramePart }[];
let outFile = '';
let made = 0;

beforeAll(async () => {
  source = described(readInstance(enhancedCt({ frames: 3, size: 48 })));
  plan = planFor([source]);
  frames = [];
  for (let frame = 0; frame < 3; frame++) {
    const description = pixelDescription(source.dataSet, frame);
    if (isReason(description)) throw new Error(description.code);
    const stored = await decodePixels(source.dataSet, description, source.part10.transferSyntaxUid, frame);
    const pixels = smoothed(stored, description);
    const bytes = framePixels(pixels, description);
    const part = {
      frame,
      smallest: Math.min(...pixels),
      largest: Math.max(...pixels),
      sha256: sha256OfBytes(bytes),
      noiseBefore: 24.1,
      noiseAfter: 14.5,
      sample: { derived: new Float32Array(1), source: new Float32Array(1) },
    };
    frames.push({ bytes, part });
  }
});
beforeEach(() => {
  outFile = join(folder.path, `derived-${++made}.dcm`);
});

const place = (frame: number): number => headerLength(source, plan) + frame * (frames[0]?.bytes.length ?? 0);
async function writeAll(order: readonly number[]): Promise<void> {
  for (const frame of order) await writeFrame(outFile, place(frame), frames[frame]?.bytes ?? new Uint8Array());
}
const complete = (): ReturnType<typeof completeObject> =>
  completeObject(source, { file: '', plan, parts: frames.map(({ part }) => part), outFile, nowMs: now });

describe('an object of several frames on the disk', () => {
  it('is what the same frames make in memory, in whatever order they came', async () => {
    await writeAll([2, 0, 1]);
    const { faults, instance } = await complete();
    const onDisk = await readFile(outFile);
    const inMemory = await derivedObject(source, plan, smoothed, now);
    expect(faults).toEqual([]);
    expect(onDisk.equals(inMemory.bytes)).toBe(true);
    expect(instance).toMatchObject({
      bytes: onDisk.length,
      sha256: createHash('sha256').update(onDisk).digest('hex'),
      source: text(source.dataSet, 'SOPInstanceUID'),
    });
  });

  it('tells a frame that the disk does not hold as it was checked', async () => {
    await writeAll([0, 1, 2]);
    await writeFrame(outFile, place(1) + 100, Uint8Array.of(0xff, 0xff));
    expect((await complete()).faults).toEqual(['PIXEL: frame 2 on the disk is not the one that was checked']);
  });

  it('tells a frame that was never written', async () => {
    await writeAll([0, 1]);
    const { faults } = await complete();
    expect(faults).toContain('PIXEL: frame 3 on the disk is not the one that was checked');
    expect(faults.at(-1)).toMatch(/^PIXEL: the object has \d+ bytes, not \d+$/);
  });

  it("tells frames in each other's places", async () => {
    await writeAll([0, 1, 2]);
    await writeFrame(outFile, place(0), frames[1]?.bytes ?? new Uint8Array());
    await writeFrame(outFile, place(1), frames[0]?.bytes ?? new Uint8Array());
    expect((await complete()).faults).toEqual([
      'PIXEL: frame 1 on the disk is not the one that was checked',
      'PIXEL: frame 2 on the disk is not the one that was checked',
    ]);
  });

  it('tells what lies behind the last frame', async () => {
    await writeAll([0, 1, 2]);
    await writeFrame(outFile, place(3), Uint8Array.of(1, 2, 3, 4));
    expect((await complete()).faults).toEqual([expect.stringMatching(/^PIXEL: the object has \d+ bytes, not \d+$/)]);
  });

  it('tells a header that the disk does not hold as it was checked', async () => {
    await writeAll([0, 1, 2]);
    const { instance } = await complete();
    const header = (await readFile(outFile)).subarray(0, headerLength(source, plan));
    const { length } = frames[0]?.bytes ?? [];
    const file = await open(outFile, 'r+');
    try {
      const parts = frames.map(({ part }) => part);
      expect(await readBack(file, header, parts, length)).toMatchObject({ sha256: instance.sha256, faults: [] });
      await file.write(Uint8Array.of(0x39), 0, 1, header.length - 40);
      expect((await readBack(file, header, parts, length)).faults).toEqual([
        'HEADER: what is on the disk is not what was checked',
      ]);
    } finally {
      await file.close();
    }
  });
});
