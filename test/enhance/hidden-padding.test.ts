// Padding that a scanner declares, around a field of view that cuts through the body: filters that are drawn towards it must not see it.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readInstance } from '../../src/dicom/file.js';
import { isReason, pixelDescription } from '../../src/dicom/pixel-description.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import type { Device } from '../../src/enhance/device.js';
import { cpuDevice } from '../support/cpu-device.js';
import { cleanSlice, noisySlice } from '../support/phantom.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import type { SyntheticElement } from '../support/synthetic-series.js';
import { orderFor } from '../support/task-order.js';

const size = 128;
const ct = { modality: 'CT', slices: 3, rows: size, columns: size, noise: 20, seed: 7 } as const;
const offset = 2000;
const padding: SyntheticElement = [0x00280120, 'US', [0]];
const fromCentre = (i: number): number => Math.hypot(Math.floor(i / size) - 63.5, (i % size) - 63.5);
const radius = 30;
const inside = (i: number): boolean => fromCentre(i) < radius;
const isRim = (i: number): boolean => inside(i) && fromCentre(i) >= radius - 1.5;

/** Stored values of a ramp of soft tissue, -2000 HU outside where `cut`. */
function stored(index: number, cut: boolean): Uint16Array {
  const clean = cleanSlice(ct, index / 2).map((_, i) => (i % size) * 1.5 - 40);
  const noisy = noisySlice(ct, clean, index);
  return Uint16Array.from(noisy, (value, i) => (cut && !inside(i) ? 0 : Math.round(value + offset)));
}

let folder = '';
let device: Device;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limpid-padding-'));
  device = cpuDevice();
});
afterAll(async () => {
  await device.close();
  await rm(folder, { recursive: true });
});

async function pixelsOf(file: string): Promise<Int32Array> {
  const { dataSet, part10 } = readInstance(await readFile(file));
  const description = pixelDescription(dataSet);
  if (isReason(description)) throw new Error(description.code);
  return decodePixels(dataSet, description, part10.transferSyntaxUid);
}

/** Stored values of a series before and after a filter, slice by slice. */
async function filtered(model: string, cut: boolean, ...declared: readonly SyntheticElement[]) {
  const change = (index: number): SyntheticElement[] => [
    [0x00281052, 'DS', String(-offset)],
    [0x7fe00010, 'OW', new Uint8Array(stored(index, cut).buffer)],
    ...declared,
  ];
  const source = await writeSyntheticSeries(join(folder, String(count++)), { ...ct, change });
  const order = await orderFor(source, { model, strength: 0.4, outDir: join(folder, String(count++)) });
  const { outcome } = await device.run(order, { onProgress: () => undefined });
  const after = outcome.instances.map(({ file }) => pixelsOf(join(order.outDir, 'objects', file)));
  return { before: await Promise.all(source.files.map(pixelsOf)), after: await Promise.all(after), outcome };
}

describe.each(['gaussian', 'median', 'tv', 'wavelet'])('%s', (model) => {
  it('does not draw declared padding into the image at its rim, and leaves it as it was', async () => {
    const { before, after, outcome } = await filtered(model, true, padding);
    expect([outcome.code, outcome.detail, after.length]).toEqual([null, '', 3]);
    for (const [slice, pixels] of after.entries()) {
      const from = before[slice] ?? pixels;
      const rim: number[] = [];
      pixels.forEach((value, i) => {
        if (!inside(i)) expect(value).toBe(0);
        else if (isRim(i)) rim.push(value - (from[i] ?? 0));
      });
      expect(rim.length).toBeGreaterThan(200);
      expect(Math.abs(rim.reduce((sum, one) => sum + one, 0) / rim.length)).toBeLessThan(4); // HU
    }
  });

  it('changes nothing where padding is declared and no pixel holds it', async () => {
    const [plain, declared] = [await filtered(model, false), await filtered(model, false, padding)];
    expect(plain.after).toHaveLength(3);
    expect(declared.after).toEqual(plain.after);
    expect(plain.after).not.toEqual(plain.before);
  });
});
