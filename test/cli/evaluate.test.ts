// `limpid evaluate` on files.
import { join } from 'node:path';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { evaluateCommands } from '../../src/cli/evaluate.js';
import { identityModel, writeIdentityModel } from '../support/identity-model.js';
import { limpid } from '../support/limpid.js';
import { change, set } from '../support/planted-faults.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import type { SyntheticElement } from '../support/synthetic-series.js';
import { withFolder } from '../support/temporary.js';

const figures = z.object({
  psnr: z.number().nullable(),
  ssim: z.number(),
  mae: z.number(),
  dice: z.number().nullable(),
});
const phantom = { modality: 'CT', slices: 3, rows: 96, columns: 96, seed: 4 } as const;

describe('evaluate', () => {
  it('compare: figures of before and after against the truth, and pictures', async () => {
    await withFolder(async (folder) => {
      for (const [name, noise] of [
        ['truth', 0],
        ['noisy', 30],
        ['better', 10],
      ] as const) {
        await writeSyntheticSeries(join(folder, name), { ...phantom, noise });
      }
      const at = (name: string): string => join(folder, name);
      const series = ['--reference', at('truth'), '--test', at('better'), '--before', at('noisy')];
      const { status, out } = await limpid('evaluate', 'compare', ...series, '--out', at('pictures'), '--json');
      expect(status).toBe(0);
      const result = z.object({ slices: z.number(), before: figures, after: figures }).parse(JSON.parse(out));
      expect(result.slices).toBe(3);
      // A third of the noise: 9.5 dB.
      const gain = (result.after.psnr ?? Number.NaN) - (result.before.psnr ?? Number.NaN);
      expect(gain).toBeGreaterThan(8);
      expect(gain).toBeLessThan(11);
      expect(result.after.ssim).toBeGreaterThan(result.before.ssim);
      expect(await readdir(at('pictures'))).toEqual(['0001.png', '0002.png', '0003.png']);
      const [one = ''] = await readdir(at('truth'));
      const few = await limpid('evaluate', 'compare', '--reference', at('truth'), '--test', join(at('truth'), one));
      expect(few.out).toMatch(
        /^1 slice +PSNR dB.*\ntest +equal +1\.0000.*\n2 slices of the reference without one in the test\n/,
      );
    });
  });

  it('models: the table of enhancers at each noise; robustness: how far each figure falls', async () => {
    await withFolder(async (folder) => {
      await writeSyntheticSeries(join(folder, 'clean'), { ...phantom, noise: 12 });
      const study = ['--with', 'nlm', 'tv', '--slices', '2', '--out', join(folder, 'out'), '--json'];
      const table = await limpid('evaluate', 'models', join(folder, 'clean'), '--noise', '2', ...study);
      const row = z.object({ model: z.string(), outcome: z.string(), before: figures, after: figures.nullable() });
      const { rows } = z.object({ rows: z.array(row) }).parse(JSON.parse(table.out));
      expect(rows.map(({ model }) => model)).toEqual(['nlm', 'tv']);
      for (const { before, after } of rows) expect(after?.mae).toBeLessThan(before.mae);
      const robust = await limpid('evaluate', 'robustness', join(folder, 'clean'), '--noise', '2', ...study);
      const falls = z.array(z.object({ figure: z.string(), fall: z.number() })).parse(JSON.parse(robust.out));
      expect(new Set(falls.map(({ figure }) => figure))).toEqual(new Set(['PSNR', 'SSIM', 'Dice']));
      expect(robust.status).toBe(falls.some(({ fall }) => fall > 5) ? 1 : 0);
    });
  }, 180_000);

  it('models: each series by what it is called, each model and noise once; status 1 where no model gave anything', async () => {
    await withFolder(async (folder) => {
      const small = { ...phantom, rows: 64, columns: 64, noise: 12, slices: 1 };
      const named = (): SyntheticElement[] => [
        [0x0008103e, 'LO', 'Chest 1.0'],
        [0x00200011, 'IS', '4'],
      ];
      await writeSyntheticSeries(join(folder, 'series', 'first'), { ...small, change: named });
      const nameless = (): SyntheticElement[] => [
        [0x0008103e, 'LO', ''],
        [0x00200011, 'IS', '4'],
      ];
      await writeSyntheticSeries(join(folder, 'series', 'second'), { ...small, seed: 5, change: nameless });
      const study = [join(folder, 'series'), '--noise', '1,1', '--out', join(folder, 'out')];
      const none = await limpid('evaluate', 'models', ...study, '--with', 'us-despeckle', 'us-despeckle', '--json');
      const { rows } = z.object({ rows: z.array(z.object({ name: z.string() })) }).parse(JSON.parse(none.out));
      expect(rows.map(({ name }) => name).toSorted()).toEqual(['CT Chest 1.0 (first)', 'CT series 4 (second)']);
      expect(none.status).toBe(1);
      const some = await limpid('evaluate', 'models', ...study, '--with', 'us-despeckle', 'gaussian');
      expect(some.status).toBe(0);
      const robust = await limpid('evaluate', 'robustness', ...study, '--with', 'gaussian');
      expect(robust.out).toMatch(/^[a-z2-7]{6} CT series 4 \(second\) +x1 +gaussian +PSNR /m);
      expect(robust.out).toContain('MAE: of values as they are');
      // Before, at its own noise, it is equal to the reference: no gain can be told.
      expect(some.out).toMatch(
        /^[a-z2-7]{6} CT Chest 1\.0 \(first\) +x1 +gaussian +\d+\.\d\d +- +0\.\d{4} +-0\.\d{4} /m,
      );
    });
  });

  it("models, robustness: a site's own model, which the configuration adds, stands beside the shipped ones", async () => {
    await withFolder(async (folder) => {
      await writeSyntheticSeries(join(folder, 'clean'), { ...phantom, noise: 12, slices: 1 });
      const own = join(folder, 'own');
      await writeIdentityModel(own);
      const config = join(folder, 'limpid.yaml');
      await writeFile(config, 'node: { aeTitle: LIMPID }\nmodels: { directory: own }\nrules: []\n');
      const study = [join(folder, 'clean'), '--noise', '2', '--out', join(folder, 'out'), '--json', '--config', config];
      const table = await limpid('evaluate', 'models', ...study, '--with', identityModel, 'gaussian');
      const row = z.object({ model: z.string(), outcome: z.string() });
      const { rows } = z.object({ rows: z.array(row) }).parse(JSON.parse(table.out));
      expect(rows.map(({ model }) => model)).toEqual([identityModel, 'gaussian']);
      const robust = await limpid('evaluate', 'robustness', ...study, '--with', identityModel);
      expect(robust.err).not.toContain('MODEL_UNKNOWN');
    });
  }, 60_000);

  it('models: says of figures that are those of a result which a node would withhold', async () => {
    const lines: string[] = [];
    const output = { out: (line: string) => lines.push(line), err: () => undefined, terminal: false };
    const known = { psnr: 30, ssim: 0.9, mae: 5, dice: null };
    const measured = { before: known, after: known, noiseRatio: 0.5, residualStructure: 0.7, secondsPerSlice: 0.1 };
    const row = { series: 'abcdefgh', name: 'CT (a)', noiseTimes: 2, model: 'tv', ...measured };
    const unused = (): Promise<never> => Promise.reject(new Error('not asked for'));
    const evaluation = { protocol: '', compare: unused, robustness: unused, kit: unused, accept: unused };
    const rows = ['enhanced', 'WITHHELD'].map((outcome) => ({ ...row, outcome }));
    const open = () => Promise.resolve({ ...evaluation, study: () => Promise.resolve(rows) });
    const options = { with: ['tv'], noise: [2], slices: 1, out: 'out', json: false };
    await evaluateCommands(open, output, () => undefined).models(['package.json'], options);
    expect(lines.join('\n')).toMatch(/0\.100\n.* 0\.100 +WITHHELD$/m);
  });

  it('robustness: says so as well', async () => {
    const lines: string[] = [];
    const output = { out: (line: string) => lines.push(line), err: () => undefined, terminal: false };
    const steady = { figure: 'PSNR', plain: 30, noisier: 29.7, fall: 1 };
    const row = { series: 'abcdefgh', name: 'CT (a)', noiseTimes: 2, model: 'tv', ...steady };
    const unused = (): Promise<never> => Promise.reject(new Error('not asked for'));
    const evaluation = { protocol: '', compare: unused, study: unused, kit: unused, accept: unused };
    const rows = ['enhanced', 'WITHHELD'].map((outcome) => ({ ...row, outcome }));
    const open = () => Promise.resolve({ ...evaluation, robustness: () => Promise.resolve(rows) });
    const options = { with: ['tv'], noise: [2], slices: 1, out: 'out', json: false };
    await evaluateCommands(open, output, () => undefined).robustness(['package.json'], options);
    expect(lines.join('\n')).toMatch(/1\.0 +ok *\n.* 1\.0 +ok +WITHHELD$/m);
  });

  it('kit and accept: phantoms through an enhancer hold; what is missing fails', async () => {
    await withFolder(async (folder) => {
      const kit = join(folder, 'kit');
      expect((await limpid('evaluate', 'kit', '--out', kit)).status).toBe(0);
      const enhanced = join(folder, 'enhanced');
      await limpid('enhance', join(kit, 'ct'), '--with', 'ct-low-dose', '--out', enhanced);
      const { status, out } = await limpid('evaluate', 'accept', kit, '--results', enhanced, '--json');
      const verdicts = z
        .array(z.object({ phantom: z.string(), check: z.string(), measured: z.string(), holds: z.boolean() }))
        .parse(JSON.parse(out));
      expect(verdicts.filter(({ phantom: name, holds }) => name === 'ct' && !holds)).toEqual([]);
      expect(verdicts.filter(({ phantom: name }) => name === 'ct').length).toBeGreaterThan(5);
      expect(verdicts.find(({ phantom: name }) => name === 'mr')).toMatchObject({ measured: 'none', holds: false });
      expect(status).toBe(1);
      const files = (await readdir(enhanced, { recursive: true })).filter((name) => name.endsWith('.dcm'));
      const [first = '', second = ''] = files.toSorted().map((name) => join(enhanced, name));
      const bytes = await readFile(first);
      await writeFile(second, set('PixelSpacing', 'DS', '0.9\\0.45')(await readFile(second)));
      await writeFile(first, change(['ImagePositionPatient', 'DS', '0\\0\\0'], ['PatientID', 'LO', 'OTHER'])(bytes));
      await writeFile(join(enhanced, 'again.dcm'), set('SOPInstanceUID', 'UI', '1.2.3')(bytes));
      const spoilt = await limpid('evaluate', 'accept', kit, '--results', enhanced);
      expect(spoilt.out).toMatch(/^ct +slices +16 in 17 objects +16 +FAILS$/m);
      expect(spoilt.out).toMatch(
        /^ct +patient and geometry +PatientID, ImagePositionPatient, PixelSpacing +kept +FAILS$/m,
      );
      // Made anew, the kit has other UIDs: what a node made of the one before is none of its results.
      await limpid('evaluate', 'kit', '--out', kit);
      const anew = await limpid('evaluate', 'accept', kit, '--results', enhanced);
      expect(anew.out).toMatch(/^ct +derived series +none; 16 objects of another kit .*FAILS$/m);
    });
  }, 180_000);

  it('has no empty table for a series whose noise it cannot measure', async () => {
    await withFolder(async (folder) => {
      const flat = { ...phantom, rows: 64, columns: 64, noise: 0 };
      await writeSyntheticSeries(join(folder, 'flat'), {
        ...flat,
        change: () => [[0x7fe00010, 'OW', new Uint8Array(2 * 64 * 64)]],
      });
      const { status, err } = await limpid(
        'evaluate',
        'robustness',
        join(folder, 'flat'),
        '--with',
        'nlm',
        '--out',
        folder,
      );
      expect(status).not.toBe(0);
      expect(err).toMatch(/left out [a-z2-7]{26} CT .*\(flat\): its noise cannot be measured/);
      expect(err).toContain('nothing to compare');
    });
  });

  it('leaves out what is no grey image of CT or MR, says why, and goes on with the rest', async () => {
    await withFolder(async (folder) => {
      const small = { ...phantom, rows: 64, columns: 64, noise: 12, slices: 1 };
      await writeSyntheticSeries(join(folder, 'series', 'ct'), small);
      await writeSyntheticSeries(join(folder, 'series', 'pet'), {
        ...small,
        seed: 5,
        change: () => [[0x00080060, 'CS', 'PT']],
      });
      await writeSyntheticSeries(join(folder, 'series', 'frames'), {
        ...small,
        seed: 6,
        change: () => [
          [0x00280008, 'IS', '2'],
          [0x7fe00010, 'OW', new Uint8Array(2 * 2 * 64 * 64)],
        ],
      });
      await writeFile(join(folder, 'series', 'notes.txt'), 'notes');
      const study = ['--with', 'gaussian', '--noise', '2', '--out', join(folder, 'out'), '--json'];
      const { status, out, err } = await limpid('evaluate', 'models', join(folder, 'series'), ...study);
      expect(status).toBe(0);
      expect(z.object({ rows: z.array(z.unknown()) }).parse(JSON.parse(out)).rows).toHaveLength(1);
      expect(err).toMatch(/left out \S+notes\.txt: /);
      expect(err).toMatch(/left out [a-z2-7]{26} PT .*\(pet\): \S+: Modality PT: CT and MR are evaluated/);
      expect(err).toMatch(/left out [a-z2-7]{26} CT .*\(frames\): \S+: 2 frames: objects of one image are evaluated/);
    });
  });

  it('does not compare a series of MR with a reference of CT', async () => {
    await withFolder(async (folder) => {
      for (const modality of ['CT', 'MR'] as const)
        await writeSyntheticSeries(join(folder, modality), { ...phantom, modality, rows: 64, columns: 64, noise: 5 });
      const series = ['--reference', join(folder, 'CT'), '--test', join(folder, 'MR')];
      const { status, err } = await limpid('evaluate', 'compare', ...series);
      expect([status, err]).toEqual([2, expect.stringContaining('MR cannot be compared with a reference of CT')]);
    });
  });

  it('says that a folder holds no kit, and how one is made', async () => {
    await withFolder(async (folder) => {
      const { status, err } = await limpid('evaluate', 'accept', folder, '--results', folder);
      expect([status, err]).toEqual([2, expect.stringContaining('limpid evaluate kit --out')]);
    });
  });

  it('says what it cannot read', async () => {
    const { status, err } = await limpid(
      'evaluate',
      'compare',
      '--reference',
      'package.json',
      '--test',
      'package.json',
    );
    expect(status).toBe(2);
    expect(err).toMatch(/no series to read/);
  });
});
