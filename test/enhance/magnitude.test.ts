// Magnitudes of MR in signed files, as GE and Canon write them: no result is below zero where its source is not.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readInstance } from '../../src/dicom/file.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { described } from '../support/derivation.js';
import { bits } from '../support/odd-series.js';
import { smallTask } from '../support/small-task.js';
import { openTaskThreads } from '../support/task-threads.js';

const threads = openTaskThreads(1);
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limpid-magnitude-'));
});
afterAll(async () => {
  await threads.end();
  await rm(folder, { recursive: true });
});

/** Smallest stored value of some files. */
async function leastOf(files: readonly string[]): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (const file of files) {
    const { dataSet, part10, description } = described(readInstance(new Uint8Array(await readFile(file))));
    expect(description.signed).toBe(true);
    for (const value of await decodePixels(dataSet, description, part10.transferSyntaxUid))
      least = Math.min(least, value);
  }
  return least;
}

it.each(['wavelet', 'lanczos', 'bicubic'])('%s makes no magnitude negative', async (model) => {
  const series = { modality: 'MR', noise: 20, change: () => bits(16, 1) } as const;
  const task = await smallTask(folder, threads, { model, strength: 0.4, series });
  expect([task.outcome, task.detail, task.objects.length]).toEqual(['enhanced', '', 4]);
  expect(await leastOf(task.sources)).toBeGreaterThanOrEqual(0);
  expect(await leastOf(task.objects)).toBeGreaterThanOrEqual(0);
});
