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
import type { SyntheticElement } from '../support/synthetic-series.js';
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

const storedOf = async (file: string): Promise<Int32Array> => {
  const { dataSet, part10, description } = described(readInstance(new Uint8Array(await readFile(file))));
  return decodePixels(dataSet, description, part10.transferSyntaxUid);
};
const rescaled = (slope: number, intercept: number): SyntheticElement[] => [
  [0x00281052, 'DS', String(intercept)],
  [0x00281053, 'DS', String(slope)],
];

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

it.each([
  ['an intercept far below 0', 2, -500, 'values far below 0 by slope 2 and intercept -500'],
  ['a slope below 0', -1, 0, 'values far below 0 by slope -1 and intercept 0'],
  ['an intercept far above 0', 1, 500, 'no value near 0 by slope 1 and intercept 500'],
])('%s is of no magnitude', async (_, slope, intercept, detail) => {
  const series = { modality: 'MR', noise: 20, change: () => rescaled(slope, intercept) } as const;
  const task = await smallTask(folder, threads, { model: 'wavelet', strength: 0.4, series });
  expect([task.outcome, task.code, task.detail]).toEqual(['skipped', 'NOT_MAGNITUDE', expect.stringContaining(detail)]);
});

it.each([
  ['a little below what is stored', 1, -10],
  ['in the middle of signed values', 1, 2000],
  ['at the highest stored value', -1, 3000],
])('magnitudes whose 0 lies %s become the same as with 0 at 0, none below it', async (_, slope, intercept) => {
  const plain = await smallTask(folder, threads, {
    model: 'lanczos',
    strength: 0.4,
    series: { modality: 'MR', noise: 20 },
  });
  const recoded = await Promise.all(
    plain.sources.map(async (file) => (await storedOf(file)).map((value) => (value - intercept) / slope)),
  );
  const change = (index: number): SyntheticElement[] => [
    ...bits(16, 1),
    ...rescaled(slope, intercept),
    [0x7fe00010, 'OW', new Uint8Array(Int16Array.from(recoded[index] ?? []).buffer)],
  ];
  const series = { modality: 'MR', noise: 20, change } as const;
  const task = await smallTask(folder, threads, { model: 'lanczos', strength: 0.4, series });
  expect([task.outcome, task.detail, task.objects.length]).toEqual(['enhanced', '', 4]);
  for (const [index, file] of task.objects.entries()) {
    const magnitudes = (await storedOf(file)).map((value) => value * slope + intercept);
    const other = await storedOf(plain.objects[index] ?? '');
    expect(magnitudes.every((value, i) => value >= 0 && Math.abs(value - (other[i] ?? 0)) <= 1)).toBe(true);
  }
});
