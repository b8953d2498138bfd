// Objects say PRODUCT only where the site and the model's card both do (conformance 1): by default both say RESEARCH.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readInstance } from '../../src/dicom/file.js';
import { text } from '../../src/dicom/values.js';
import type { Device } from '../../src/enhance/device.js';
import { cpuDevice } from '../support/cpu-device.js';
import { identityModel, writeIdentityModel } from '../support/identity-model.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { orderFor } from '../support/task-order.js';

let folder = '';
let device: Device;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limpid-qualification-'));
  device = cpuDevice(60_000);
});
afterAll(async () => {
  await device.close();
  await rm(folder, { recursive: true });
});

it.each([
  ['RESEARCH', 'RESEARCH', 'RESEARCH'],
  ['PRODUCT', 'RESEARCH', 'RESEARCH'],
  ['RESEARCH', 'PRODUCT', 'RESEARCH'],
  ['PRODUCT', 'PRODUCT', 'PRODUCT'],
] as const)('the site says %s, the card %s: the object %s', async (site, ofCard, expected) => {
  const own = await mkdtemp(join(folder, 'case-'));
  const [models, outDir] = [join(own, 'models'), join(own, 'out')];
  await writeIdentityModel(models, { qualification: ofCard });
  const shape = { modality: 'CT', slices: 1, rows: 48, columns: 48, noise: 20, seed: 1 } as const;
  const series = await writeSyntheticSeries(join(own, 'in'), shape);
  const order = await orderFor(series, { model: identityModel, models, strength: 0, outDir });
  const { outcome } = await device.run({ ...order, node: { ...order.node, qualification: site } });
  expect(outcome.outcome).toBe('enhanced');
  const { dataSet } = readInstance(await readFile(join(outDir, 'objects', outcome.instances[0]?.file ?? '')));
  expect(text(dataSet, 'ContentQualification')).toBe(expected);
  expect(text(dataSet, 'ImageComments')?.includes('not for primary diagnosis')).toBe(expected === 'RESEARCH');
});
