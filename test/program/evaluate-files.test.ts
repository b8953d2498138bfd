// What a model is given of a series that is evaluated: the slices that are compared, and what lies beside them where it looks there.
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { decode } from 'fast-png';
import { readInstance } from '../../src/dicom/file.js';
import { text } from '../../src/dicom/values.js';
import { openLog } from '../../src/observe/log.js';
import { enhanceFiles } from '../../src/program/enhance-files.js';
import { compareFiles, robustnessOfFiles, studyFiles } from '../../src/program/evaluate-files.js';
import type { Run } from '../../src/program/evaluate-files.js';
import { referenceOf } from '../../src/program/evaluated-series.js';
import { outcomeRecord } from '../../src/spool/records.js';
import type { OutcomeRecord } from '../../src/spool/records.js';
import { identityModel, neighboursModel, writeIdentityModel, writeNeighboursModel } from '../support/identity-model.js';
import { set } from '../support/planted-faults.js';
import { outcomeRecord as outcomeOf } from '../support/records.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import type { SyntheticElement } from '../support/synthetic-series.js';
import { withFolder } from '../support/temporary.js';

const phantom = { modality: 'CT', slices: 9, rows: 96, columns: 96, noise: 12, seed: 4 } as const;
const left = (): undefined => undefined;
const told = { progress: () => undefined, left, failed: () => undefined };

describe('robustness', () => {
  it('has each level of noise once, and tells which model gave nothing', () =>
    withFolder(async (folder) => {
      const { files } = await writeSyntheticSeries(join(folder, 'series'), phantom);
      const runs: string[] = [];
      const run: Run = (_, { model, out }) => {
        runs.push(`${model} ${out.split('/').at(-2)}`);
        const noise = { before: null, after: null, unit: 'HU' } as const;
        const one = { key: 'k', task: 't', slices: 0, seconds: 0, noise, folder: out, detail: '' };
        return Promise.resolve({ series: [{ ...one, outcome: 'skipped', code: 'ALREADY_CLEAN' }], refused: [] });
      };
      const out: string[] = [];
      const options = { models: ['nlm'], noiseTimes: [2, 2.2], slices: 1, strength: null, out: folder };
      const runner = { run, seesNeighbours: () => Promise.resolve(false) };
      const rows = await robustnessOfFiles(files, options, runner, {
        ...told,
        left: (some) => out.push(...some.map(({ why }) => why)),
      });
      expect(rows).toEqual([]);
      expect(runs).toEqual(['nlm x2', 'nlm x2.2', 'nlm x2.42']);
      expect(out).toEqual(['2', '2.2', '2.42'].map((times) => `nlm gave nothing at x${times}: ALREADY_CLEAN`));
    }));
});

describe('robustness of what is like nothing', () => {
  it('has no share to fall by: a Dice of 0 and a similarity below it are not told as steady', () =>
    withFolder(async (folder) => {
      const { files } = await writeSyntheticSeries(join(folder, 'series'), { ...phantom, slices: 1 });
      /** An enhancer that makes air bright, and all else dark. */
      const run: Run = async ([file = ''], { out }) => {
        const bytes = await readFile(file);
        const { dataSet } = readInstance(bytes);
        const pixels = new Uint16Array(Uint8Array.from(bytes.subarray(-2 * 96 * 96)).buffer);
        const turned = new Uint8Array(pixels.map((value) => (value > 824 ? 864 : 1264)).buffer);
        const outcome = outcomeOf([text(dataSet, 'SOPInstanceUID') ?? '']);
        await mkdir(join(out, 'objects'), { recursive: true });
        await writeFile(join(out, 'objects', outcome.instances[0]?.file ?? ''), set('PixelData', 'OW', turned)(bytes));
        await writeFile(join(out, 'outcome.json'), JSON.stringify(outcome));
        const noise = { before: null, after: null, unit: 'HU' } as const;
        const ended = out.includes('x2.2')
          ? { outcome: 'withheld', code: 'WITHHELD' }
          : { outcome: 'enhanced', code: null };
        const one = { key: 'k', task: 't', ...ended, slices: 1, seconds: 0, noise };
        return { series: [{ ...one, folder: out, detail: '' }], refused: [] };
      };
      const options = { models: ['nlm'], noiseTimes: [2], slices: 1, strength: null, out: join(folder, 'out') };
      const runner = { run, seesNeighbours: () => Promise.resolve(false) };
      const rows = await robustnessOfFiles(files, options, runner, told);
      const byFigure = new Map(rows.map((row) => [row.figure, row]));
      expect(byFigure.get('Dice')).toMatchObject({ plain: 0, fall: null });
      expect(byFigure.get('SSIM')?.plain).toBeLessThan(0);
      expect(byFigure.get('SSIM')?.fall).toBeNull();
      // of the noisier one, which a node would not deliver
      expect(rows.map(({ outcome }) => outcome)).toEqual(rows.map(() => 'WITHHELD'));
    }));

  it('tells a model that fails, with its words, and that rows are missing', () =>
    withFolder(async (folder) => {
      const { files } = await writeSyntheticSeries(join(folder, 'series'), phantom);
      const run: Run = (_, { out }) => {
        const noise = { before: null, after: null, unit: 'HU' } as const;
        const one = { key: 'k', task: 't', outcome: 'failed', code: 'MODEL_FAILED', slices: 0, seconds: 0, noise };
        return Promise.resolve({ series: [{ ...one, folder: out, detail: 'no number' }], refused: [] });
      };
      const words: string[] = [];
      let failures = 0;
      const options = { models: ['nlm'], noiseTimes: [2], slices: 1, strength: null, out: folder };
      const runner = { run, seesNeighbours: () => Promise.resolve(false) };
      const rows = await studyFiles(files, options, runner, {
        ...told,
        left: (some) => words.push(...some.map(({ why }) => why)),
        failed: () => (failures += 1),
      });
      expect(rows).toMatchObject([{ model: 'nlm', outcome: 'MODEL_FAILED', after: null }]);
      expect(words).toEqual(['nlm failed at x2: MODEL_FAILED: no number']);
      expect(failures).toBe(1);
    }));
});

describe('a series that is evaluated', () => {
  it(
    'goes to a model that looks at neighbours with those of the first and last slice, which are not compared',
    () =>
      withFolder(async (folder) => {
        const models = join(folder, 'models');
        await writeIdentityModel(models);
        await writeNeighboursModel(models);
        const { files } = await writeSyntheticSeries(join(folder, 'series'), phantom);
        const given = new Map<string, { readonly files: number; readonly outcome: OutcomeRecord }>();
        const run: Run = async (some, options) => {
          const unused = (): never => {
            throw new Error('no configuration is asked for');
          };
          const fixed = { config: null, modelsDirectory: models, load: unused, log: openLog('silent') };
          const ran = await enhanceFiles(some, { ...options, ...fixed }, () => undefined);
          const outcome = await readFile(join(ran.series[0]?.folder ?? '', 'outcome.json'), 'utf8');
          given.set(options.model, { files: some.length, outcome: outcomeRecord.parse(JSON.parse(outcome)) });
          return ran;
        };
        const options = {
          models: [identityModel, neighboursModel],
          noiseTimes: [2],
          slices: 3,
          strength: 0,
          out: folder,
        };
        const seesNeighbours = (model: string): Promise<boolean> => Promise.resolve(model === neighboursModel);
        const rows = await studyFiles(files, options, { run, seesNeighbours }, told);
        expect(rows.map(({ model }) => model)).toEqual([identityModel, neighboursModel]);
        for (const { after } of rows) expect(after).not.toBeNull();
        expect([...given].map(([model, { files: count }]) => [model, count])).toEqual([
          [identityModel, 3],
          [neighboursModel, 5],
        ]);
        expect(given.get(identityModel)?.outcome.neighbours).toBeNull();
        expect(given.get(neighboursModel)?.outcome.neighbours).toEqual({ both: 3, one: 2, none: 0 });
        const [key = ''] = (await readdir(folder)).filter((name) => name.length === 26);
        expect(await readdir(join(folder, key, 'x2', 'degraded'))).toHaveLength(5);
      }),
    60_000,
  );

  it('is taken from the middle of its stack, whichever way that lies and in whatever order the files come', () =>
    withFolder(async (folder) => {
      // The normal is (1, -1, 0): x + y + z is the same for all slices.
      const { files } = await writeSyntheticSeries(folder, {
        ...phantom,
        change: (index) => [
          [0x00200037, 'DS', '0\\0\\1\\-0.7071068\\-0.7071068\\0'],
          [0x00200032, 'DS', `${2 * index}\\${-2 * index}\\0`],
        ],
      });
      const mixed = [7, 0, 5, 2, 8, 1, 4, 6, 3].map((index) => files[index] ?? '');
      const stretch = await referenceOf({ key: 'k', name: 'CT', files: mixed }, 3, left);
      const places = (slices: readonly { readonly file: string }[] = []) =>
        slices.map(({ file }) => files.indexOf(file));
      expect([places(stretch?.compared), places(stretch?.beside)]).toEqual([
        [3, 4, 5],
        [2, 6],
      ]);
    }));

  it('has no figures of slices without a body: a perfect one of nothing would raise the mean', () =>
    withFolder(async (folder) => {
      const air = (): readonly SyntheticElement[] => [[0x7fe00010, 'OW', new Uint8Array(2 * 96 * 96)]];
      const write = (name: string, noise: number, isAir: (index: number) => boolean) =>
        writeSyntheticSeries(join(folder, name), {
          ...phantom,
          noise,
          change: (index) => (isAir(index) ? air() : []),
        });
      const compare = async (isAir: (index: number) => boolean) => {
        const [{ files: reference }, { files: test }] = [
          await write('reference', 0, isAir),
          await write('test', 12, isAir),
        ];
        return compareFiles({ reference, test, before: null, threshold: null, out: null, left });
      };
      const all = await compare(() => false);
      const some = await compare((index) => index >= 6);
      expect([all.slices, all.withoutBody, some.slices, some.withoutBody]).toEqual([9, 0, 6, 3]);
      const [ofSome = Number.NaN, ofAll = Number.NaN] = [some, all].map(({ after }) => after.psnr ?? Number.NaN);
      expect(Math.abs(ofSome - ofAll)).toBeLessThan(0.5);
      await expect(compare(() => true)).rejects.toThrow(/no slice of the reference shows a body/);
    }));

  describe('against a reference', () => {
    /** Slices of one value each: 20 HU more than the one before. */
    const plain = (index: number): SyntheticElement => [
      0x7fe00010,
      'OW',
      new Uint8Array(new Uint16Array(96 * 96).fill(1024 + 20 * index).buffer),
    ];
    const write = async (
      folder: string,
      name: string,
      change?: (index: number) => readonly SyntheticElement[],
    ): Promise<readonly string[]> =>
      (await writeSyntheticSeries(join(folder, name), { ...phantom, noise: 5, ...(change && { change }) })).files;
    const options = { threshold: null, out: null, left };

    it('has figures of before and after of the same slices', () =>
      withFolder(async (folder) => {
        const [reference, test] = [await write(folder, 'reference'), await write(folder, 'test')];
        const before = await write(folder, 'before', (index) => (index > 6 ? [plain(index)] : []));
        const given = { ...options, reference, before };
        const few = await compareFiles({ ...given, test: test.slice(0, 5) });
        expect([few.slices, few.withoutPartner, few.before]).toEqual([5, 4, few.after]);
        const lacking = compareFiles({ ...given, test, before: before.slice(0, 5) });
        await expect(lacking).rejects.toThrow('4 slices of the test are not in what was before');
      }));
    it('is refused with pixels of another spacing', () =>
      withFolder(async (folder) => {
        const reference = await write(folder, 'reference');
        const test = await write(folder, 'test', () => [[0x00280030, 'DS', '2\\2']]);
        await expect(compareFiles({ ...options, reference, test, before: null })).rejects.toThrow(
          /2 x 2 against .* mm/,
        );
      }));
    it('is refused mirrored, and with slices of another modality among its own', () =>
      withFolder(async (folder) => {
        const reference = await write(folder, 'reference');
        const compare = (test: readonly string[]) => compareFiles({ ...options, reference, test, before: null });
        const mirrored = await write(folder, 'mirrored', () => [[0x00200037, 'DS', '-1\\0\\0\\0\\1\\0']]);
        await expect(compare(mirrored)).rejects.toThrow(
          'slices of different orientations: -1, 0, 0, 0, 1, 0 against 1, 0, 0, 0, 1, 0',
        );
        const mixed = await write(folder, 'mixed', (index) => (index === 2 ? [[0x00080060, 'CS', 'MR']] : []));
        await expect(compare(mixed)).rejects.toThrow('MR cannot be compared with a reference of CT');
      }));
    it('is drawn in the order of Instance Numbers', () =>
      withFolder(async (folder) => {
        const test = await write(folder, 'test', (index) => [plain(index)]);
        const out = join(folder, 'panels');
        await compareFiles({ ...options, reference: test, test, before: null, out });
        const names = (await readdir(out)).toSorted();
        const greys = await Promise.all(names.map(async (name) => decode(await readFile(join(out, name))).data[0]));
        expect(greys).toEqual(Array.from({ length: 9 }, (_, i) => Math.round(((160 + 20 * i) * 255) / 400)));
      }));
  });
});
