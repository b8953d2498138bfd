// What `limpid models` prints.
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { modelCommands } from '../../src/cli/models.js';
import { openRegistry } from '../../src/inference/registry.js';
import { modelsDirectory } from '../support/shipped-models.js';
import { withFolder } from '../support/temporary.js';

describe('limpid models', () => {
  it('shows each limit beyond which a result is withheld', async () => {
    const lines: string[] = [];
    const output = { out: (line: string) => lines.push(line), err: () => undefined, terminal: false };
    const commands = modelCommands(
      () => openRegistry(modelsDirectory),
      output,
      () => undefined,
    );
    await commands.show('ct-super-resolution-x2', { json: false });
    expect(lines.join('\n')).toContain("difference on the source's grid 2 HU");
    await commands.show('nlm', { json: false });
    const permille = '‰ of the 99.5th percentile';
    expect(lines.at(-1)).toContain(`withheld beyond  mean shift 3 (CT: HU; MR: ${permille}), structure 0.3 (0: noise`);
    expect(lines.at(-1)).toMatch(/periodic pattern 0\.08 of the noise, .*noise left below 0\.1 of what there was/);
  });

  it('tells of each model as soon as it is verified: the next one may never end', async () => {
    const lines: string[] = [];
    const told: (readonly string[])[] = [];
    const registry = await openRegistry(modelsDirectory);
    const verify = (): Promise<readonly string[]> => {
      told.push([...lines]);
      return Promise.resolve([]);
    };
    const output = { out: (line: string) => lines.push(line), err: () => undefined, terminal: false };
    const commands = modelCommands(
      () => Promise.resolve({ ...registry, verify }),
      output,
      () => undefined,
    );
    await commands.verify(['tv', 'nlm'], { json: false });
    expect(told).toEqual([[], ['ok  tv']]);
  });

  it('neither lists a folder in which there is no model, as that of a model itself, nor calls it well', async () => {
    const output = { out: () => undefined, err: () => undefined, terminal: false };
    const commands = modelCommands(
      ({ models = '' }) => openRegistry(models, { spoiled: 'listed' }),
      output,
      () => undefined,
    );
    for (const json of [false, true]) {
      const place = { models: join(modelsDirectory, 'nlm'), json };
      const why = /there is no model in .*nlm: give the folder that holds one folder for each/;
      await expect(commands.verify([], place)).rejects.toThrow(why);
      await expect(commands.list(place)).rejects.toThrow(why);
    }
  });

  it('says of a folder that is not there what to give in its place, and not a command that fails alike', async () => {
    const output = { out: () => undefined, err: () => undefined, terminal: false };
    const commands = modelCommands(
      ({ models = '' }) => openRegistry(models),
      output,
      () => undefined,
    );
    await expect(commands.list({ models: '/nowhere/models', json: false })).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('cannot be read: ENOENT; name one that holds one folder for each model'),
      hint: expect.stringContaining('in a folder that can be read (--models, models.directory)'),
    });
  });

  it('verifies an id once that a folder of the site has taken', () =>
    withFolder(async (own) => {
      await mkdir(join(own, 'nlm'));
      await cp(join(modelsDirectory, 'nlm', 'model.yaml'), join(own, 'nlm', 'model.yaml'));
      const lines: string[] = [];
      const output = { out: (line: string) => lines.push(line), err: () => undefined, terminal: false };
      const registry = await openRegistry(modelsDirectory, { own, spoiled: 'listed' });
      const commands = modelCommands(
        () => Promise.resolve({ ...registry, list: () => [registry.need('nlm')] }),
        output,
        () => undefined,
      );
      await commands.verify([], { json: false });
      expect(lines).toEqual([expect.stringMatching(/^bad nlm: there are two models nlm/)]);
    }));
});
