// A task over a small synthetic series, through a real child process and its threads.
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readInstance } from '../../src/dicom/file.js';
import { isReason, pixelDescription } from '../../src/dicom/pixel-description.js';
import type { PixelDescription } from '../../src/dicom/pixel-description.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { paddingMask, toModality } from '../../src/dicom/rescale.js';
import { number, text } from '../../src/dicom/values.js';
import { openDevice } from '../../src/enhance/device.js';
import type { Device, DeviceOptions } from '../../src/enhance/device.js';
import { measureSlice, noiseRatio } from '../../src/enhance/noise.js';
import type { TaskProgress } from '../../src/enhance/order.js';
import { middleOf } from '../../src/enhance/strength.js';
import { psnr } from '../../src/imaging/figures.js';
import type { Slice } from '../../src/imaging/slice.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { outcomeRecord } from '../../src/spool/records.js';
import type { OutcomeRecord } from '../../src/spool/records.js';
import { writeEnhancedCt } from '../support/enhanced-ct.js';
import { cleanSlice, noisySlice } from '../support/phantom.js';
import type { PhantomOptions } from '../support/phantom.js';
import { neighboursModel, writeNeighboursModel } from '../support/identity-model.js';
import { itWithData, sharedData, sharedFiles } from '../support/shared-data.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import type { SyntheticElement, SyntheticOptions, SyntheticSeries } from '../support/synthetic-series.js';
import { orderFor, taskModule } from '../support/task-order.js';

let folder = '';
let count = 0;
const devices: Device[] = [];
const metrics = openMetrics();

function device(change: Partial<DeviceOptions> = {}): Device {
  const options = {
    taskModule,
    providers: ['cpu'],
    threads: 1,
    deadlineMs: 60_000,
    memoryBytes: 2 ** 31,
    log: openLog('silent'),
    metrics,
  };
  const opened = openDevice({ ...options, ...change });
  devices.push(opened);
  return opened;
}
let shared: Device;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limpid-task-'));
  shared = device();
});
afterAll(async () => {
  await Promise.all(devices.map((opened) => opened.close()));
  await rm(folder, { recursive: true });
});

const ct = { modality: 'CT', slices: 10, rows: 128, columns: 128, noise: 25, seed: 5 } as const;
const fresh = (): string => join(folder, String(count++));
const series = (options: SyntheticOptions): Promise<SyntheticSeries> => writeSyntheticSeries(fresh(), options);

async function run(
  source: SyntheticSeries,
  model: string,
  strength: number,
  on: Device = shared,
  models?: string,
): Promise<OutcomeRecord & { outDir: string; progress: TaskProgress[] }> {
  const order = await orderFor(source, {
    model,
    strength,
    outDir: fresh(),
    ...(models === undefined ? {} : { models }),
  });
  const progress: TaskProgress[] = [];
  const { outcome } = await on.run(order, { onProgress: (news) => progress.push(news) });
  expect(outcomeRecord.parse(outcome)).toEqual(outcome);
  return { ...outcome, outDir: order.outDir, progress };
}

interface ReadSlice extends Slice {
  readonly instanceNumber: number | null;
  readonly padding: PixelDescription['padding'];
  readonly isPadding: Uint8Array | null;
}
async function pixels(file: string): Promise<ReadSlice> {
  const { dataSet, part10 } = readInstance(await readFile(file));
  const description = pixelDescription(dataSet);
  if (isReason(description)) throw new Error(description.code);
  const stored = await decodePixels(dataSet, description, part10.transferSyntaxUid);
  const { rows, columns, padding } = description;
  const values = toModality(stored, description);
  const isPadding = paddingMask(stored, description);
  return { rows, columns, values, instanceNumber: number(dataSet, 'InstanceNumber'), padding, isPadding };
}

describe('a CT series', () => {
  it('is enhanced to the strength asked for, with all its objects written', async () => {
    const source = await series(ct);
    const result = await run(source, 'ct-low-dose', 0.4);
    expect(result).toMatchObject({ outcome: 'enhanced', code: null, provider: 'cpu', threads: 1, warnings: [] });
    expect(result.strength.effective).toBeCloseTo(0.4, 6);
    expect(result.strength.reached).toBeGreaterThan(0.38);
    expect(result.strength.reached).toBeLessThan(0.44);
    expect((result.strength.blend ?? 0) * 64).toBe(Math.round((result.strength.blend ?? 0) * 64));
    expect(result.noise.unit).toBe('HU');
    expect(Math.abs((result.noise.before ?? 0) / 25 - 1)).toBeLessThan(0.15);
    expect(result.figures['edgeRatio']?.after).toBeGreaterThan(0.9);
    // Those of its card: whoever reads the record later may have another one.
    const limits = ['residualStructure', 'noiseRatio', 'meanShift', 'edgeRatio'].map(
      (name) => result.figures[name]?.limit,
    );
    expect(limits).toEqual([0.3, 0.25, 3, undefined]);
    expect(await readdir(join(result.outDir, 'objects'))).toEqual(result.instances.map(({ file }) => file));
    expect(result.instances.map(({ source: uid }) => uid)).toEqual(source.sopInstanceUids);
    expect(result.progress.at(-1)).toEqual({ done: 10, total: 10 });
    const clean = { rows: 128, columns: 128, values: cleanSlice(ct, 4 / 9) };
    const [before, after] = [
      await pixels(source.files[4] ?? ''),
      await pixels(join(result.outDir, 'objects', '00005.dcm')),
    ];
    expect(psnr(after, clean, -160, 240)).toBeGreaterThan(psnr(before, clean, -160, 240) + 2);
  });

  it('gives the same pixels each time, whatever the threads', async () => {
    const source = await series({ ...ct, slices: 12 });
    const [first, second] = [await run(source, 'nlm', 0.4), await run(source, 'nlm', 0.4, device({ threads: 2 }))];
    expect(second.strength).toEqual(first.strength);
    expect(second.seriesInstanceUid).toBe(first.seriesInstanceUid);
    for (const { file } of first.instances) {
      const [a, b] = [
        await pixels(join(first.outDir, 'objects', file)),
        await pixels(join(second.outDir, 'objects', file)),
      ];
      expect(Buffer.from(b.values.buffer).equals(Buffer.from(a.values.buffer))).toBe(true);
    }
  });

  it.each([{ version: '0.0.1' }, { sha256: '0'.repeat(64) }])(
    'is not touched by another model than its decision names: %j',
    async (change) => {
      const order = await orderFor(await series({ ...ct, slices: 1 }), {
        model: 'nlm',
        strength: 0.4,
        outDir: fresh(),
      });
      const task = { ...order.task, model: { ...order.task.model, ...change } };
      await expect(shared.run({ ...order, task })).rejects.toMatchObject({ code: 'MODEL_UNKNOWN' });
      expect(await readdir(order.outDir)).toEqual([]);
    },
  );

  it('is not touched by a card whose parameters are other than in its settings, of which its UIDs are made', async () => {
    const order = await orderFor(await series({ ...ct, slices: 1 }), { model: 'nlm', strength: 0.4, outDir: fresh() });
    const task = { ...order.task, settings: { ...order.task.settings, parameters: { size: 3 } } };
    await expect(shared.run({ ...order, task })).rejects.toMatchObject({
      code: 'MODEL_UNKNOWN',
      message: expect.stringContaining('with other parameters: it was changed after the decision'),
    });
    expect(await readdir(order.outDir)).toEqual([]);
  });

  it('is not touched by a card whose other numbers changed under one version', async () => {
    const order = await orderFor(await series({ ...ct, slices: 1 }), { model: 'nlm', strength: 0.4, outDir: fresh() });
    const task = { ...order.task, settings: { ...order.task.settings, card: '0'.repeat(16) } };
    await expect(shared.run({ ...order, task })).rejects.toMatchObject({
      code: 'MODEL_UNKNOWN',
      message: expect.stringContaining('with other numbers: it was changed after the decision'),
    });
    expect(await readdir(order.outDir)).toEqual([]);
  });

  it('goes through a network that sees three slices, which says how many had both neighbours', async () => {
    const models = fresh();
    await writeNeighboursModel(models);
    const source = await series(ct);
    const result = await run(source, neighboursModel, 0.4, shared, models);
    expect(result).toMatchObject({ outcome: 'enhanced', neighbours: { both: 8, one: 2, none: 0 }, warnings: [] });
    expect((await run(source, 'gaussian', 0.4)).neighbours).toBeNull();
    // It takes away the slice before less the slice after, where that is no more than noise may be; the tissue's mean goes back.
    const [before, own, after] = await Promise.all([3, 4, 5].map((index) => pixels(source.files[index] ?? '')));
    const made = await pixels(join(result.outDir, 'objects', '00005.dcm'));
    const blend = result.strength.blend ?? 0;
    const apart = [...own!.values].flatMap((value, i) => {
      const step = before!.values[i]! - after!.values[i]!;
      return Math.abs(step) < 25 ? [value - made.values[i]! - blend * step] : [];
    });
    expect(apart.length).toBeGreaterThan(5000);
    const mean = middleOf(apart);
    expect(middleOf(apart.map((value) => Math.abs(value - mean)))).toBeLessThan(1);
  });

  it('below the noise floor is skipped', async () => {
    const result = await run(await series({ ...ct, noise: 2 }), 'ct-low-dose', 0.4);
    expect(result).toMatchObject({ outcome: 'skipped', code: 'ALREADY_CLEAN', instances: [] });
    expect(result.strength).toMatchObject({ asked: 0.4, effective: 0 });
    expect(await readdir(result.outDir)).toEqual([]);
  });

  /** Stored values of 10 HU each: a share of noise of 5 HU is rounded away. */
  const slope = 10;
  const coarse = (options: PhantomOptions, index: number): readonly SyntheticElement[] => {
    const values = noisySlice(options, cleanSlice(options, index / 9), index);
    const stored = Uint16Array.from(values, (value) => Math.max(0, Math.round((value + 1024) / slope)));
    return [
      [0x00281053, 'DS', String(slope)],
      [0x7fe00010, 'OW', new Uint8Array(stored.buffer)],
    ];
  };

  it('whose change is rounded away altogether is skipped', async () => {
    const source = await series({ ...ct, change: (index) => coarse({ ...ct, noise: 5 }, index) });
    const result = await run(source, 'nlm', 0.25);
    expect(result).toMatchObject({ outcome: 'skipped', code: 'NO_CHANGE', instances: [], seriesInstanceUid: null });
    expect(result.detail).toMatch(/^noise \d+\.\d\d HU$/);
    expect(result.strength.reached).toBe(0);
    expect(result.noise.after).toBe(result.noise.before);
    expect(await readdir(result.outDir)).toEqual([]);
  });

  it('in the frames of one object is skipped as well, and its strength 0 gives it back', async () => {
    const file = `${fresh()}.dcm`;
    const source = await writeEnhancedCt(file, { frames: 3, slope: 10, noise: 5 });
    expect(await run(source, 'nlm', 0.25)).toMatchObject({ outcome: 'skipped', code: 'NO_CHANGE', instances: [] });
    expect(await run(source, 'nlm', 0)).toMatchObject({ outcome: 'enhanced', warnings: [] });
  });

  it('says how many of its images stay as they are, and nothing else of their noise', async () => {
    // Noise of one step within a disc.
    const faint = Uint16Array.from({ length: 128 * 128 }, (_, i) =>
      Math.hypot(Math.floor(i / 128) - 64, (i % 128) - 64) < 55 ? 106 + (((i * 7919) >> 4) % 2) : 2,
    );
    const source = await series({
      ...ct,
      change: (index) => {
        const noisy = coarse({ ...ct, noise: 12 }, index);
        return index < 3 ? [...noisy, [0x7fe00010, 'OW', new Uint8Array(faint.buffer)]] : noisy;
      },
    });
    const result = await run(source, 'nlm', 0.25);
    expect(result).toMatchObject({ outcome: 'enhanced', warnings: [{ code: 'NO_CHANGE', detail: '3 of 10 images' }] });
    for (const [index, { file }] of result.instances.entries()) {
      const [before, after] = [
        await pixels(source.files[index] ?? ''),
        await pixels(join(result.outDir, 'objects', file)),
      ];
      expect(Buffer.from(after.values.buffer).equals(Buffer.from(before.values.buffer))).toBe(index < 3);
    }
  });

  it('has the noise in its record that its files have, rounding and all', async () => {
    const source = await series({ ...ct, change: (index) => coarse({ ...ct, noise: 10 }, index) });
    const result = await run(source, 'nlm', 0.5);
    expect(result.outcome).toBe('enhanced');
    const ratios = await Promise.all(
      result.instances.map(async ({ file }, index) => {
        const before = await pixels(source.files[index] ?? '');
        const after = await pixels(join(result.outDir, 'objects', file));
        return noiseRatio(measureSlice('CT', before.rows, before.columns, before.values, 0), after) ?? Number.NaN;
      }),
    );
    expect(result.figures['noiseRatio']?.after).toBeCloseTo(middleOf(ratios), 3);
    expect(result.strength.reached).toBeCloseTo(1 - middleOf(ratios), 2);
    // Rounding to steps of 10 HU adds noise of 2.9 HU.
    expect(middleOf(ratios)).toBeGreaterThan(0.5);
  });

  it('without soft tissue is skipped, as its noise cannot be measured', async () => {
    const air = new Uint8Array(Uint16Array.from({ length: 128 * 128 }, (_, i) => 24 + (i % 7)).buffer);
    const source = await series({ ...ct, slices: 3, change: () => [[0x7fe00010, 'OW', air]] });
    const result = await run(source, 'ct-low-dose', 0.4);
    expect(result).toMatchObject({ outcome: 'skipped', code: 'NOISE_NOT_MEASURABLE' });
    const forced = await run(source, 'gaussian', 0.4);
    expect(forced.outcome).toBe('enhanced');
    expect(forced.strength).toEqual({ asked: 0.4, effective: null, reached: null, blend: 0.5 });
    expect(forced.warnings).toEqual([
      { code: 'NOISE_NOT_MEASURABLE', detail: 'fixed blend 0.5' },
      { code: 'LIMITS_NOT_MEASURED', detail: 'mean shift in HU' },
    ]);
  });

  it('is numbered by position where its instance numbers repeat', async () => {
    const source = await series({ ...ct, slices: 4, change: () => [[0x00200013, 'IS', '1']] });
    const shuffled = [2, 0, 3, 1];
    const mixed = {
      ...source,
      files: shuffled.map((i) => source.files[i] ?? ''),
      sopInstanceUids: shuffled.map((i) => source.sopInstanceUids[i] ?? ''),
    };
    const result = await run(mixed, 'gaussian', 0.4);
    expect(result.instances.map(({ source: uid }) => uid)).toEqual(source.sopInstanceUids);
    const written = await Promise.all(result.instances.map(({ file }) => pixels(join(result.outDir, 'objects', file))));
    expect(written.map(({ instanceNumber }) => instanceNumber)).toEqual([1, 2, 3, 4]);
  });

  it.each([
    // Bright stripes of one pixel: the median takes them away, and the mean goes with them.
    ['median', 0.75, /mean shift .* limit/],
    // A network takes as much of their bright as of their dark half.
    ['ct-low-dose', 0.47, /periodic pattern .* limit/],
  ])('of %s is withheld where the result breaks a limit, its objects kept', async (model, strength, limit) => {
    const striped = (index: number): Uint8Array => {
      const values = Uint16Array.from({ length: 128 * 128 }, (_, i) => {
        const [r, c] = [Math.floor(i / 128), i % 128];
        const inside = Math.hypot(r - 64, c - 64) < 55;
        return inside ? 1064 + ((i * 7919 + index) % 13) + (Math.floor(c / 16) % 2 === 0 && r % 3 === 0 ? 90 : 0) : 24;
      });
      return new Uint8Array(values.buffer);
    };
    const source = await series({ ...ct, slices: 3, change: (index) => [[0x7fe00010, 'OW', striped(index)]] });
    const result = await run(source, model, strength);
    expect(result.outcome).toBe('withheld');
    expect(result.code).toBe('WITHHELD');
    expect(result.detail).toMatch(limit);
    expect(result.instances).toHaveLength(3);
    expect(await readdir(join(result.outDir, 'objects'))).toHaveLength(3);
  });
});

describe('a real series', () => {
  const folders = [
    ['JPEG lossless with padding', 'ct/chest-1.25mm-ge-ricord'],
    ['JPEG-LS', 'ct/acr-phantom-3mm-80kv-siemens-drive'],
    ['implicit little endian', 'ct/chest-1mm-philips-brilliance16'],
  ] as const;
  for (const [what, name] of folders) {
    itWithData(`in ${what} is enhanced, its padding untouched`, async () => {
      const files = sharedFiles(name).map((file) => sharedData(file) ?? '');
      const heads = await Promise.all(files.map(async (file) => readInstance(await readFile(file)).dataSet));
      const of = (keyword: string): string[] => heads.map((head) => text(head, keyword) ?? '');
      const source = {
        files,
        sopInstanceUids: of('SOPInstanceUID'),
        studyInstanceUid: of('StudyInstanceUID')[0] ?? '',
        seriesInstanceUid: of('SeriesInstanceUID')[0] ?? '',
        sopClassUid: of('SOPClassUID')[0] ?? '',
      };
      const result = await run(source, 'ct-low-dose', 0.4);
      expect(result).toMatchObject({ outcome: 'enhanced', detail: '' });
      expect(result.strength.reached).toBeGreaterThanOrEqual((result.strength.effective ?? 1) - 0.01);
      expect(result.instances).toHaveLength(files.length);
      const first = result.instances[0];
      const before = await pixels(files[source.sopInstanceUids.indexOf(first?.source ?? '')] ?? '');
      const after = await pixels(join(result.outDir, 'objects', first?.file ?? ''));
      expect(after.padding).toEqual(before.padding);
      const paddingMoved = before.values.some(
        (value, i) => (before.isPadding?.[i] ?? 0) === 1 && value !== after.values[i],
      );
      expect(paddingMoved).toBe(false);
    });
  }
});

describe('an MR series', () => {
  it('is enhanced in its own unit', async () => {
    const source = await series({ modality: 'MR', slices: 6, rows: 130, columns: 127, noise: 30, seed: 6 });
    const result = await run(source, 'mr-accelerated', 0.4);
    expect(result).toMatchObject({ outcome: 'enhanced', noise: { unit: 'STORED' } });
    expect(Math.abs((result.noise.before ?? 0) / 30 - 1)).toBeLessThan(0.1);
    expect(result.strength.reached).toBeGreaterThan(0.38);
    expect(result.strength.reached).toBeLessThan(0.45);
    expect(result.instances).toHaveLength(6);
  });
  it('is not touched by a CT network', async () => {
    const source = await series({ modality: 'MR', slices: 2, rows: 64, columns: 64, noise: 30, seed: 6 });
    expect(await run(source, 'ct-low-dose', 0.4)).toMatchObject({ outcome: 'skipped', code: 'OUTSIDE_INTENDED_USE' });
  });
});

describe('a sick file', () => {
  const spoil = async (source: SyntheticSeries, at: number, change: (bytes: Buffer) => Buffer): Promise<void> => {
    const file = source.files[at] ?? '';
    await writeFile(file, change(await readFile(file)));
  };
  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['cut in its pixels', (bytes) => bytes.subarray(0, bytes.length - 5000)],
    ['cut in its header', (bytes) => bytes.subarray(0, 400)],
    ['no DICOM', () => Buffer.from('nothing of the kind')],
  ])('%s ends the task and is named, nothing is left, and the child lives on', async (_, change) => {
    const source = await series({ ...ct, slices: 14 });
    await spoil(source, 10, change);
    const pid = shared.pid;
    const result = await run(source, 'gaussian', 0.4);
    expect(result).toMatchObject({ outcome: 'skipped', code: 'UNDECODABLE', instances: [] });
    expect(result.detail).toMatch(/^0011\.dcm: /);
    expect(await readdir(result.outDir)).toEqual([]);
    expect((await run(await series({ ...ct, slices: 2 }), 'gaussian', 0.4)).outcome).toBe('enhanced');
    if (pid !== null) expect(shared.pid).toBe(pid);
  });
  it('that takes too long ends the attempt, is not said to be undecodable, and the child lives on', async () => {
    const slow = device({ sliceDeadlineMs: 1 });
    const source = await series({ ...ct, slices: 4, rows: 256, columns: 256 });
    const tooSlow = expect.objectContaining({
      code: 'ENHANCE_DEADLINE',
      message: expect.stringMatching(/no answer within/),
    });
    await expect(run(source, 'gaussian', 0.4, slow)).rejects.toEqual(tooSlow);
    const pid = slow.pid;
    await expect(run(source, 'gaussian', 0.4, slow)).rejects.toEqual(tooSlow);
    expect(slow.pid).toBe(pid);
  });
});

it('counts slices, model time and quality', async () => {
  await run(await series({ ...ct, slices: 3 }), 'wavelet', 0.4);
  const exposed = await metrics.text();
  expect(exposed).toMatch(/limpid_slices_enhanced_total\{model="wavelet",provider="cpu"\} 3/);
  expect(exposed).toMatch(/limpid_slice_seconds_count\{model="wavelet",provider="cpu"\} 3/);
  expect(exposed).toMatch(/limpid_quality_noise_ratio_count\{model="wavelet",modality="CT"\} 3/);
});
