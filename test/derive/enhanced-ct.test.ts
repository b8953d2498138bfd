// A simulated Enhanced CT Image through gate, task and the judge from outside: no real one is among the samples.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readInstance } from '../../src/dicom/file.js';
import { items, number, numbers, text, texts } from '../../src/dicom/values.js';
import type { DataSet } from '../../src/dicom/data-set.js';
import type { Device } from '../../src/enhance/device.js';
import { cpuDevice } from '../support/cpu-device.js';
import { enhancedCt } from '../support/enhanced-ct.js';
import { judged, judgeIsReady } from '../support/judge.js';
import { enhanceFiles } from '../support/sample-sets.js';
import { modelsDirectory } from '../support/task-order.js';

const frames = 3;
const source = enhancedCt({ frames });
let folder: string;
let device: Device;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limpid-enhanced-ct-'));
  device = cpuDevice();
});
afterAll(async () => {
  await device?.close();
  await rm(folder, { recursive: true, force: true });
});

async function derivedBy(model: string, strength: number, bytes = source): Promise<Uint8Array> {
  const own = await mkdtemp(join(folder, 'one-'));
  const file = join(own, 'source.dcm');
  await writeFile(file, bytes);
  const { verdict, outcome, objects } = await enhanceFiles([file], device, {
    models: modelsDirectory,
    outDir: join(own, 'out'),
    model,
    strength,
  });
  expect(verdict).toBe('enhanced');
  expect(outcome?.instances).toHaveLength(1);
  return await readFile(join(objects, '00001.dcm'));
}

const groupsOf = (ds: DataSet): readonly DataSet[] => items(ds, 'PerFrameFunctionalGroupsSequence');
const [first, ...others] = ['DERIVED', 'PRIMARY', 'VOLUME'];

describe('an Enhanced CT Image', () => {
  it('is derived frame by frame by a filter', async () => {
    const { dataSet } = readInstance(await derivedBy('gaussian', 0.4));
    expect(texts(dataSet, 'ImageType')).toEqual([first, ...others, 'FILTERED']);
    expect([number(dataSet, 'NumberOfFrames'), groupsOf(dataSet).length]).toEqual([frames, frames]);
    for (const [index, group] of groupsOf(dataSet).entries()) {
      const [type] = items(group, 'CTImageFrameTypeSequence');
      expect(type === undefined ? null : texts(type, 'FrameType')).toEqual([first, ...others, 'FILTERED']);
      const [step] = items(group, 'DerivationImageSequence');
      const [image] = step === undefined ? [] : items(step, 'SourceImageSequence');
      expect(image === undefined ? null : number(image, 'ReferencedFrameNumber')).toBe(index + 1);
    }
  }, 120_000);

  it('is derived where its last frame is the first along the normal', async () => {
    const fromAbove = enhancedCt({ frames, step: -2 });
    const { dataSet } = readInstance(await derivedBy('gaussian', 0.4, fromAbove));
    expect(text(dataSet, 'SeriesDescription')).toBe('limpid DN Abdomen simulated');
    const place = (of: DataSet): unknown =>
      groupsOf(of).flatMap((group) =>
        items(group, 'PlanePositionSequence').map((plane) => numbers(plane, 'ImagePositionPatient')),
      );
    expect(place(dataSet)).toEqual(place(readInstance(fromAbove).dataSet));
  }, 120_000);

  it('has its geometry on a grid twice as fine', async () => {
    const { dataSet } = readInstance(await derivedBy('ct-super-resolution-x2', 1));
    expect(texts(dataSet, 'ImageType')).toEqual([first, ...others, 'RESAMPLED']);
    expect([number(dataSet, 'Rows'), number(dataSet, 'Columns')]).toEqual([192, 192]);
    const [shared] = items(dataSet, 'SharedFunctionalGroupsSequence');
    const inShared = (sequence: string, keyword: string): readonly number[] | null => {
      const [macro] = shared === undefined ? [] : items(shared, sequence);
      return macro === undefined ? null : numbers(macro, keyword);
    };
    expect(inShared('PixelMeasuresSequence', 'PixelSpacing')).toEqual([1.875, 1.875]);
    expect(inShared('CTReconstructionSequence', 'ReconstructionPixelSpacing')).toEqual([1.875, 1.875]);
    // Half a pixel of the old grid less half a pixel of the new one.
    const corner = -178.125 - 0.9375;
    for (const [index, group] of groupsOf(dataSet).entries()) {
      const [plane] = items(group, 'PlanePositionSequence');
      expect(plane === undefined ? null : numbers(plane, 'ImagePositionPatient')).toEqual([corner, corner, index * 2]);
    }
    expect(text(dataSet, 'SpatialResolution')).toBeNull();
  }, 120_000);

  (judgeIsReady ? it : it.skip)(
    'passes check_series.py (needs ../shared/tools, python3-pydicom, dicom3tools, dcmtk)',
    async () => {
      for (const [model, strength] of [
        ['gaussian', 0.4],
        ['ct-super-resolution-x2', 1],
      ] as const)
        expect([model, judged([{ source, derived: await derivedBy(model, strength) }])]).toEqual([model, 'PASS']);
    },
    120_000,
  );
});
