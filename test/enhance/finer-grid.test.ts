// Noise of air reaches the least value that a file can hold: an interpolation overshoots it, and what is written is the source all the same.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readInstance } from '../../src/dicom/file.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { storedRange } from '../../src/dicom/rescale.js';
import { areaMeans } from '../../src/imaging/resample.js';
import type { Slice } from '../../src/imaging/slice.js';
import { described } from '../support/derivation.js';
import { rms } from '../support/resolution-loss.js';
import { smallTask } from '../support/small-task.js';
import { openTaskThreads } from '../support/task-threads.js';

const threads = openTaskThreads(1);
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limpid-grid-'));
});
afterAll(async () => {
  await threads.end();
  await rm(folder, { recursive: true });
});

/** Stored values, and the least that the file can hold. */
async function storedOf(file: string): Promise<Slice & { readonly low: number }> {
  const { dataSet, part10, description } = described(readInstance(new Uint8Array(await readFile(file))));
  const { rows, columns } = description;
  const stored = await decodePixels(dataSet, description, part10.transferSyntaxUid);
  return { rows, columns, values: Float32Array.from(stored), low: storedRange(description).low };
}

it('the mean of the pixels that are written is the pixel that they lie in, also where some cannot be lower', async () => {
  const task = await smallTask(folder, threads, { model: 'ct-super-resolution-x2', strength: 0 });
  expect([task.outcome, task.detail, task.objects.length]).toEqual(['enhanced', '', 4]);
  let atTheEnd = 0;
  for (const [index, file] of task.sources.entries()) {
    const source = await storedOf(file);
    const fine = await storedOf(task.objects[index] ?? '');
    atTheEnd += fine.values.filter((value) => value === fine.low).length / fine.values.length / 4;
    expect(rms(areaMeans(fine, 2), source)).toBeLessThan(0.5);
  }
  expect(atTheEnd).toBeGreaterThan(0.02);
});
