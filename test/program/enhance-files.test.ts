// `limpid enhance` over several series: what ends one of them, and what ends all.
import { readdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { openLog } from '../../src/observe/log.js';
import { enhanceFiles } from '../../src/program/enhance-files.js';
import { identityModel, writeIdentityModel } from '../support/identity-model.js';
import { modelsDirectory } from '../support/shipped-models.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { withFolder } from '../support/temporary.js';

const unused = (): never => {
  throw new Error('no configuration is asked for');
};

describe('several series', () => {
  it('one that the network fails on is told as failed, leaves nothing half made, and the next one is made', () =>
    withFolder(async (folder) => {
      const models = join(folder, 'models');
      await writeIdentityModel(models, { spoilt: 'no numbers' }); // a logarithm: of air there is none
      const shape = { modality: 'CT', slices: 3, rows: 64, columns: 64, noise: 12 } as const;
      const tissue = Uint16Array.from({ length: 64 * 64 }, (_, i) => 1024 + 50 + ((i * 7919) % 23));
      const { files: other } = await writeSyntheticSeries(join(folder, 'other'), { ...shape, seed: 1 });
      const { files: fitting } = await writeSyntheticSeries(join(folder, 'fitting'), {
        ...shape,
        seed: 2,
        change: () => [[0x7fe00010, 'OW', new Uint8Array(tissue.buffer)]],
      });
      const options = { model: identityModel, strength: 0, out: join(folder, 'out'), config: null };
      const fixed = { modelsDirectory: models, load: unused, log: openLog('silent') };
      const seen: [number, number][] = [];
      const { series } = await enhanceFiles([...other, ...fitting], { ...options, ...fixed }, (done, total) => {
        seen.push([done, total]);
      });
      const ended = series.map(({ outcome, code, slices }) => ({ outcome, code, slices }));
      expect(ended).toHaveLength(2);
      expect(ended).toContainEqual({ outcome: 'failed', code: 'MODEL_FAILED', slices: 0 });
      expect(ended).toContainEqual({ outcome: 'withheld', code: 'WITHHELD', slices: 3 }); // far from what it was, but made
      const failed = series.find(({ outcome }) => outcome === 'failed');
      expect(failed?.detail).not.toBe('');
      expect(await readdir(failed?.folder ?? '')).toEqual(['outcome.json']);
      const made = series.find(({ outcome }) => outcome === 'withheld');
      expect(await readdir(made?.folder ?? '')).not.toContain('study.dcm'); // its out is read again, and sent, as a folder of objects
      expect(seen.at(-1)).toEqual([6, 6]);
    }));

  it('one has its folder once it is whole: half of it is told by its name, whoever ends the command', () =>
    withFolder(async (folder) => {
      const shape = { modality: 'CT', slices: 6, rows: 64, columns: 64, noise: 12, seed: 1 } as const;
      const { files } = await writeSyntheticSeries(join(folder, 'series'), shape);
      const out = join(folder, 'out');
      const options = { model: 'gaussian', strength: null, out, config: null };
      const fixed = { modelsDirectory, load: unused, log: openLog('silent') };
      const folders = (): string[] => readdirSync(out).flatMap((key) => readdirSync(join(out, key)));
      for (const _ of ['first', 'again']) {
        const meanwhile = new Set<string>();
        const { series } = await enhanceFiles(files, { ...options, ...fixed }, (done, total) => {
          if (done < total) for (const name of folders()) meanwhile.add(name);
        });
        const task = series[0]?.task ?? '';
        expect([...meanwhile]).toEqual([`${task}.unfinished`]);
        expect(folders()).toEqual([task]);
        expect(await readdir(join(series[0]?.folder ?? '', 'objects'))).toHaveLength(6);
      }
    }));

  it('a folder that cannot be made is told, where the system says that there is no such place', () =>
    withFolder(async (folder) => {
      const models = join(folder, 'models');
      await writeIdentityModel(models);
      const shape = { modality: 'CT', slices: 1, rows: 64, columns: 64, noise: 12, seed: 1 } as const;
      const { files } = await writeSyntheticSeries(join(folder, 'series'), shape);
      const options = { model: identityModel, strength: 0, out: '/proc/no-such-place', config: null };
      const fixed = { modelsDirectory: models, load: unused, log: openLog('silent') };
      // Node's own way of making parents goes on without end there.
      await expect(enhanceFiles(files, { ...options, ...fixed }, () => undefined)).rejects.toMatchObject({
        code: 'ENOENT',
      });
    }));

  it('a model that nothing can be done with ends all', () =>
    withFolder(async (folder) => {
      const models = join(folder, 'models');
      await writeIdentityModel(models, { spoilt: 'two planes' });
      const { files } = await writeSyntheticSeries(join(folder, 'series'), {
        modality: 'CT',
        slices: 2,
        rows: 64,
        columns: 64,
        noise: 12,
        seed: 1,
      });
      const options = { model: identityModel, strength: 0, out: join(folder, 'out'), config: null };
      const fixed = { modelsDirectory: models, load: unused, log: openLog('silent') };
      await expect(enhanceFiles(files, { ...options, ...fixed }, () => undefined)).rejects.toMatchObject({
        code: 'MODEL_INVALID',
      });
      const [key = ''] = await readdir(options.out);
      expect(await readdir(join(options.out, key))).toEqual([]);
    }));
});
