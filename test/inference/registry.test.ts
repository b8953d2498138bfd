import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, cp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { filterSha256 } from '../../src/dicom/uid.js';
import { chooseProvider } from '../../src/inference/provider.js';
import { filterIdentity, modelSha256 } from '../../src/inference/identity.js';
import { openRegistry } from '../../src/inference/registry.js';
import { verifyNetwork } from '../../src/inference/verify-network.js';
import { identityModel, neighboursModel, writeIdentityModel, writeNeighboursModel } from '../support/identity-model.js';
import type { spoiltModels } from '../support/identity-model.js';
import { modelsDirectory as models, shippedFilters, shippedModels } from '../support/shipped-models.js';
import { withFolder } from '../support/temporary.js';

const sealModel = fileURLToPath(new URL('../../tools/seal-model.js', import.meta.url));

describe('the shipped models', () => {
  it('have cards', async () => {
    const registry = await openRegistry(models);
    expect(registry.list().map((card) => card.id)).toEqual(shippedModels);
    expect(registry.get('ct-low-dose')).toMatchObject({ kind: 'network', modality: ['CT'], defaultStrength: 0.47 });
    // The fast variant is a site's own choice: without a rank `with: auto` never takes it.
    expect(registry.get('ct-low-dose-fast')).toMatchObject({ kind: 'network', modality: ['CT'], rank: null });
    expect(registry.get('no-such-model')).toBeUndefined();
  });
  it.each(shippedModels)('%s is what its card says', async (id) => {
    const registry = await openRegistry(models);
    expect(await registry.verify(id, 'cpu')).toEqual([]);
  });
  it.each(shippedFilters)('%s stands in objects with the SHA-256 of the identity recipe', async (id) => {
    const card = (await openRegistry(models)).get(id);
    expect(card?.sha256).toBe(filterSha256(id, card?.version ?? ''));
  });
});

describe("a site's own folder of models", () => {
  it('stands beside the shipped ones, wherever it lies', () =>
    withFolder(async (own) => {
      await writeIdentityModel(own);
      await mkdir(join(own, 'notes'));
      const registry = await openRegistry(models, { own });
      expect(registry.list().map(({ id }) => id)).toEqual([...shippedModels, identityModel].toSorted());
      expect(registry.file(identityModel)).toBe(join(own, identityModel, 'model.onnx'));
      expect(registry.file('ct-low-dose')).toBe(join(models, 'ct-low-dose', 'model.onnx'));
      // Its card is not sealed: the graph was run.
      expect((await registry.verify(identityModel, 'cpu')).join()).toMatch(/^probe mean is/);
    }));
  it.each(['', 'probe: null'])('is sealed with a card that says of its probe: %p', (probe) =>
    withFolder(async (own) => {
      await writeIdentityModel(own, { task: 'contrast' });
      const card = join(own, identityModel, 'model.yaml');
      const sealed = (await readFile(card, 'utf8')).replace(/,"probe":\{.*\]\}/, probe === '' ? '' : ',"probe":null');
      await writeFile(card, sealed);
      await promisify(execFile)(process.execPath, [sealModel, join(own, identityModel)]);
      expect(await (await openRegistry(own)).verify(identityModel, 'cpu')).toEqual([]);
    }),
  );
  it('is not sealed with a card that is no YAML, and the place is told', () =>
    withFolder(async (own) => {
      await writeIdentityModel(own);
      const card = join(own, identityModel, 'model.yaml');
      await writeFile(card, (await readFile(card, 'utf8')).replace('"codes":[', '"codes":[['));
      const sealing = promisify(execFile)(process.execPath, [sealModel, join(own, identityModel)]);
      await expect(sealing).rejects.toThrow(/model\.yaml is no YAML: .* at line 1/);
    }));
  it.each([1, 2, 3, 16, 32, 64, 512])('is sealed and sound with a network that takes multiples of %d', (multipleOf) =>
    withFolder(async (own) => {
      await writeIdentityModel(own, { multipleOf, task: 'contrast' });
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [sealModel, join(own, identityModel)]);
      expect([stdout, stderr]).toEqual([expect.stringContaining('sealed'), '']);
      const registry = await openRegistry(models, { own });
      expect(await registry.verify(identityModel, 'cpu')).toEqual([]);
      if (multipleOf === 1) return;
      const card = join(own, identityModel, 'model.yaml');
      const text = await readFile(card, 'utf8');
      await writeFile(card, text.replace(/("?multipleOf"?: )\d+/, '$11'));
      const wrong = await openRegistry(models, { own });
      expect((await wrong.verify(identityModel, 'cpu')).join()).toMatch(/^the graph does not take an input of/);
    }),
  );
  it('with a card that was never sealed is told how to seal it; one that lacks something else is not', () =>
    withFolder(async (own) => {
      await writeIdentityModel(own);
      const card = join(own, identityModel, 'model.yaml');
      const sealed = await readFile(card, 'utf8');
      await writeFile(card, sealed.replace(/"sha256":"\w+",/, ''));
      const faultsOf = async () => (await openRegistry(own, { spoiled: 'listed' })).verify(identityModel, 'cpu');
      expect((await faultsOf()).join()).toMatch(
        /at sha256\nIt is not sealed: `node build\/tools\/seal-model\.js DIR\/ID`/,
      );
      await writeFile(card, sealed.replace(/"task":"\w+",/, ''));
      expect((await faultsOf()).join()).toMatch(/at task$/);
    }));
  it('may hold links to folders elsewhere; one that leads nowhere is told', () =>
    withFolder(async (elsewhere) => {
      await writeIdentityModel(elsewhere);
      await withFolder(async (own) => {
        await symlink(join(elsewhere, identityModel), join(own, identityModel));
        await symlink(join(elsewhere, identityModel, 'model.yaml'), join(own, 'a-file'));
        expect((await openRegistry(models, { own })).get(identityModel)).toBeDefined();
        await symlink(join(elsewhere, 'nothing'), join(own, 'nothing'));
        await expect(openRegistry(models, { own })).rejects.toThrow(/nothing is a link that leads nowhere/);
        const listed = await openRegistry(models, { own, spoiled: 'listed' });
        expect([...listed.spoiled().keys()]).toEqual(['nothing']);
      });
    }));
  it('takes no id that is taken, and must be there', () =>
    withFolder(async (own) => {
      await cp(join(models, 'nlm'), join(own, 'nlm'), { recursive: true });
      await expect(openRegistry(models, { own })).rejects.toThrow(/two models nlm.*an id of its own/);
      expect([...(await openRegistry(models, { own, spoiled: 'listed' })).spoiled().keys()]).toEqual(['nlm']);
      await expect(openRegistry(models, { own: join(own, 'none') })).rejects.toThrow(/none cannot be read: ENOENT/);
    }));
  it('has networks alone: nothing would run a filter', () =>
    withFolder(async (own) => {
      await cp(join(models, 'nlm'), join(own, 'own-filter'), { recursive: true });
      const card = join(own, 'own-filter', 'model.yaml');
      const text = (await readFile(card, 'utf8')).replace('id: nlm', 'id: own-filter');
      await writeFile(card, text.replace(/sha256: .*/, `sha256: ${filterIdentity('own-filter', '1.0.0')}`));
      const registry = await openRegistry(models, { own, spoiled: 'listed' });
      expect(await registry.verify('own-filter', 'cpu')).toEqual([expect.stringContaining('a site adds networks')]);
    }));
});

describe('a spoiled model folder', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'limpid-models-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const spoil = async (name: string, id: string, change: (text: string) => string): Promise<string> => {
    const directory = join(folder, name);
    await cp(join(models, id), join(directory, id), { recursive: true });
    const card = join(directory, id, 'model.yaml');
    await writeFile(card, change(await readFile(card, 'utf8')));
    return directory;
  };
  const withConditions = (text: string, conditions: string): string =>
    text.replace('intendedUse:\n', `intendedUse:\n  conditions: ${conditions}\n`);
  it('names the place of a condition that does not compile, and opens with one that does', async () => {
    const wrong = await spoil('place', 'nlm', (text) => withConditions(text, '{ BodyPartExamned: CHEST }'));
    await expect(openRegistry(wrong)).rejects.toThrow(/BodyPartExamined[^]*intendedUse.conditions.BodyPartExamned/);
    const sound = await spoil('sound', 'nlm', (text) => withConditions(text, '{ BodyPartExamined: CHEST }'));
    const use = (await openRegistry(sound)).get('nlm')?.intendedUse;
    expect(use?.conditions).toEqual({ BodyPartExamined: 'CHEST' });
  });
  it.each<[string, (text: string) => string, RegExp]>([
    [
      'half of a rule',
      (text) => text.replace('edgeSigma: 1,', ''),
      /all of a group or none: .*edgeSigma,edgeWindow,edgeNoise/,
    ],
    [
      'limits that lie the wrong way round',
      (text) => text.replace('excessTo: 2', 'excessTo: 1'),
      /excessTo must be above excessFrom/,
    ],
    [
      'more taken away where noise is no louder than the slice',
      (text) => text.replace('loudFrom: 2', 'loudFrom: 0.5'),
      /from 1 on[^]*parameters.loudFrom/,
    ],
    [
      'a Gaussian of a million pixels',
      (text) => text.replace('keptSigma: 3', 'keptSigma: 1000000'),
      /from 0 to 64[^]*parameters.keptSigma/,
    ],
    [
      'a range that lies the wrong way round',
      (text) => text.replace('range: { atLeast: -1024, atMost: 3071 }', 'range: { atLeast: 3071, atMost: -1024 }'),
      /atLeast must not be above atMost[^]*input.range/,
    ],
    [
      'a grid',
      (text) => text.replace('task: denoise', 'task: super-resolution\ngrid: { scale: 2, sampling: half_pixel }'),
      /a network answers on the grid of its source/,
    ],
    ['a mark of a grid', (text) => text.replace('mark: DN', 'mark: SR2x'), /mark SR2x does not fit the grid/],
    ['another task', (text) => text.replace('task: denoise', 'task: super-resolution'), /super-resolution has a grid/],
  ])('does not open with %s', async (name, change, message) => {
    const wrong = await spoil(name.replaceAll(' ', '-'), 'ct-low-dose', change);
    await expect(openRegistry(wrong)).rejects.toThrow(message);
  });
  it('is told by its hash', async () => {
    const directory = await spoil('hash', 'ct-low-dose', (text) => text);
    await writeFile(join(directory, 'ct-low-dose', 'model.onnx'), 'not a model');
    const faults = await (await openRegistry(directory)).verify('ct-low-dose', 'cpu');
    expect(faults.join()).toMatch(/SHA-256 of model.onnx/);
  });
  it('is told by its probe', async () => {
    const directory = await spoil('probe', 'ct-low-dose', (text) => text.replace(/mean: .*/, 'mean: 0.5,'));
    const faults = await (await openRegistry(directory)).verify('ct-low-dose', 'cpu');
    expect(faults.join()).toMatch(/probe mean/);
  });
  it('is told by tiles whose halo is less than the reach of its network', async () => {
    const directory = await spoil('halo', 'ct-low-dose-fast', (text) => text.replace('halo: 24', 'halo: 8'));
    const faults = await (await openRegistry(directory)).verify('ct-low-dose-fast', 'cpu');
    expect(faults).toEqual([
      expect.stringMatching(/^a slice of 64 x 642 .* the halo of 8 is less than the network's reach/),
    ]);
  });
  it('is told by its graph', async () => {
    const directory = await spoil('graph', 'ct-low-dose', (text) => text.replace('input: x', 'input: image'));
    expect(await (await openRegistry(directory)).verify('ct-low-dose', 'cpu')).toEqual([
      'graph inputs are x, the card says image alone',
    ]);
  });
  it.each<[keyof typeof spoiltModels, RegExp]>([
    ['fixed sides', /^the graph does not take an input of \[1, 2, 71, 53\]: Got invalid dimensions/],
    ['one slice at a time', /^the graph does not take an input of \[2, 2, 32, 48\]: Got invalid dimensions/],
    ['two planes', /^the graph answers an input of \[1, 2, 32, 48\] with 3072 values, not one for each of 1536 pixels/],
    ['half the size', /^the graph answers an input of \[1, 2, 32, 48\] with 384 values/],
    ['no numbers', /^the graph answers an input of \[1, 2, 32, 48\] with values that are no number/],
    ['other numbers each time', /^the graph answers an input of \[1, 2, 32, 48\] with other values each time/],
    ['rows for columns', /^the graph answers \[1, 2, 32, 48\] with \[1, 1, 48, 32\]: rows and columns have changed/],
    ['weights outside', /^onnxruntime \(cpu\) refuses the model: its weights lie in a file beside it/],
  ])('is told by what its graph does with slices: %s', async (spoilt, fault) => {
    const directory = join(folder, spoilt);
    await writeIdentityModel(directory, { spoilt });
    const faults = await (await openRegistry(directory)).verify(identityModel, 'cpu');
    expect(faults).toEqual([expect.stringMatching(fault)]);
  });
  it('is told by two slices at once that it mixes up', async () => {
    const directory = join(folder, 'rolled');
    await writeIdentityModel(directory, { rolled: true });
    const faults = await (await openRegistry(directory)).verify(identityModel, 'cpu');
    expect(faults).toEqual(['of 2 slices at once the graph gives one something else than alone: it mixes them']);
  });
  it('is told by an answer in another unit than its input', async () => {
    const directory = join(folder, 'unit');
    await writeIdentityModel(directory, { spoilt: 'three times the value' });
    const faults = await (await openRegistry(directory)).verify(identityModel, 'cpu');
    expect(faults.at(-1)).toBe(
      'the graph answers the probe with 3 times its slice: y must be the image, divided by input.scale as x is',
    );
  });
  it('is told by an image that it moves, which its own probe does not show', () =>
    withFolder(async (own) => {
      await writeIdentityModel(own, { spoilt: 'half a pixel away' });
      const sealing = promisify(execFile)(process.execPath, [sealModel, join(own, identityModel)]);
      await expect(sealing).rejects.toThrow('the graph moves the image by 0.50 pixels down and 0.50 to the right');
    }));
  it.each<[string, keyof typeof spoiltModels | undefined, RegExp[]]>([
    ['the same', undefined, [/^the graph takes away 0 % of white noise .*: a task would make nothing of it/]],
    ['the same and a number', 'a little added', [/^the graph takes away 0 %/, /^the graph moves the mean by 0.02 /]],
    [
      'the same, larger',
      'a fifth more',
      [
        /^the graph takes away -20 %/,
        /^the graph answers long waves with 1.20 times/,
        /^the graph moves the mean by 2\d\./,
      ],
    ],
  ])('that is to denoise is told by what it makes of noise: %s', (_, spoilt, faults) =>
    withFolder(async (own) => {
      await writeIdentityModel(own, { task: 'contrast', ...(spoilt === undefined ? {} : { spoilt }) });
      // Sealed as what it is, so that its probe is not what tells it.
      await promisify(execFile)(process.execPath, [sealModel, join(own, identityModel)]);
      const card = join(own, identityModel, 'model.yaml');
      await writeFile(card, (await readFile(card, 'utf8')).replace(/contrast/, 'denoise'));
      const found = await (await openRegistry(own)).verify(identityModel, 'cpu');
      expect(found).toEqual(faults.map((fault) => expect.stringMatching(fault)));
    }),
  );
  it('is told by a graph that never ends, of which no process is left', async () => {
    const directory = join(folder, 'no-end');
    await writeIdentityModel(directory, { spoilt: 'no end' });
    const registry = await openRegistry(directory);
    const card = registry.need(identityModel);
    const children = async (): Promise<string> =>
      readFile(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').catch(() => '');
    const before = await children();
    const verifying = verifyNetwork({ card, file: registry.file(identityModel), provider: 'cpu' }, 2_000);
    expect(await verifying).toEqual(['the graph gave no answer within 2 s: it may never end']);
    expect(await children()).toBe(before);
  });
  it('is told by a file that is no graph, though it is the one that the card names', async () => {
    const directory = join(folder, 'no-graph');
    await writeIdentityModel(directory);
    const file = join(directory, identityModel, 'model.onnx');
    const before = modelSha256(await readFile(file));
    await writeFile(file, 'not a model');
    const card = join(directory, identityModel, 'model.yaml');
    const after = modelSha256(await readFile(file));
    await writeFile(card, (await readFile(card, 'utf8')).replace(before, after));
    const faults = await (await openRegistry(directory)).verify(identityModel, 'cpu');
    expect(faults.join()).toMatch(/refuses the model/);
  });
  it('is listed with its fault beside sound ones, where that is asked for', async () => {
    const directory = await spoil('listed', 'nlm', (text) =>
      text.replace('defaultStrength: 0.4', 'defaultStrength: 2'),
    );
    await cp(join(models, 'tv'), join(directory, 'tv'), { recursive: true });
    await mkdir(join(directory, 'half-copied'));
    await writeFile(join(directory, 'half-copied', 'model.onnx'), 'a model');
    await mkdir(join(directory, 'notes'));
    await mkdir(join(directory, 'no-file', 'model.yaml'), { recursive: true });
    const registry = await openRegistry(directory, { spoiled: 'listed' });
    expect(registry.list().map(({ id }) => id)).toEqual(['tv']);
    expect([...registry.spoiled().keys()]).toEqual(['half-copied', 'nlm', 'no-file']);
    expect(await registry.verify('tv', 'cpu')).toEqual([]);
    expect(await registry.verify('nlm', 'cpu')).toEqual([expect.stringContaining('defaultStrength')]);
    expect(await registry.verify('no-file', 'cpu')).toEqual([expect.stringContaining('cannot be read: EISDIR')]);
    expect(await registry.verify('half-copied', 'cpu')).toEqual([expect.stringContaining('no model.yaml')]);
  });
  it('is told by a filter whose version was raised without its hash', async () => {
    const directory = await spoil('filter', 'nlm', (text) => text.replace('version: 1.0.0', 'version: 1.0.1'));
    const faults = await (await openRegistry(directory)).verify('nlm', 'cpu');
    expect(faults.join()).toMatch(/the filter's SHA-256/);
  });
  it.each<[string, string, (text: string) => string, string]>([
    ['of a misspelt parameter', 'us-despeckle', (text) => text.replace('edgeNoise', 'edgeNoice'), ''],
    [
      'of a parameter that no network has',
      'us-despeckle',
      (text) => text.replace('mapGain: 1.8', 'mapGian: 1.8'),
      'networks have no parameter mapGian (keptSigma, ',
    ],
    [
      'whose noise is in the unit of others',
      'nlm',
      (text) => text.replace('unit: HU', 'unit: GREY'),
      'noise of CT is in HU, not GREY',
    ],
    [
      'in which a key stands twice',
      'nlm',
      (text) => `${text}\nid: nlm\n`,
      'is no YAML: Map keys must be unique at line ',
    ],
    ['that is not in UTF-8', 'nlm', (text) => text.replace('maker: limpid', 'maker: M\u00fcller'), 'is not in UTF-8'],
  ])('says what is wrong with a card %s', async (what, id, change, says) => {
    const directory = await spoil(`card-${what.replaceAll(' ', '-')}`, id, change);
    const file = join(directory, id, 'model.yaml');
    if (says === 'is not in UTF-8') await writeFile(file, await readFile(file, 'utf8'), 'latin1');
    await expect(openRegistry(directory)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining(says),
    });
  });
  it.each([
    ['an unknown key', (text: string) => `${text}\nextra: 1\n`],
    ['a strength of 2', (text: string) => text.replace('defaultStrength: 0.4', 'defaultStrength: 2')],
    ['another id', (text: string) => text.replace('id: nlm', 'id: other')],
    ['no YAML', () => '{ id: [ }'],
    ['a misspelt attribute', (text: string) => withConditions(text, '{ BodyPartExamned: CHEST }')],
    ['an unknown operator', (text: string) => withConditions(text, '{ BodyPartExamined: { like: CHEST } }')],
    ['a broken expression', (text: string) => withConditions(text, "{ ConvolutionKernel: { matches: '(' } }")],
    ['empty conditions', (text: string) => withConditions(text, '{}')],
  ])('does not open with %s', async (what, change) => {
    const directory = await spoil(what.replaceAll(' ', '-'), 'nlm', change);
    await expect(openRegistry(directory)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });
});

describe('a network that sees three slices', () => {
  const withModel = async (
    options: Parameters<typeof writeNeighboursModel>[1],
    check: (directory: string) => Promise<void>,
  ): Promise<void> => {
    const directory = await mkdtemp(join(tmpdir(), 'limpid-three-slices-'));
    await writeNeighboursModel(directory, options);
    await check(directory);
    await rm(directory, { recursive: true });
  };

  /** As docs/models.md has it, written anew. */
  const probeOf = (answerOf: (planes: { own: number; before: number; after: number }) => number) => {
    const wave = (u: number, v: number): number => 0.05 * Math.sin(0.4 * u) + 0.03 * Math.cos(0.3 * v);
    const grain = (i: number, j: number, g: number): number => 0.02 * (((7 * i + 3 * j + g) % 11) / 11 - 0.5);
    const answer = Float64Array.from({ length: 32 * 48 }, (_, at) => {
      const [i, j] = [Math.floor(at / 48), at % 48];
      const before = wave(i + 1, j) + grain(i, j, 5);
      const after = wave(i, j + 1) + grain(i, j, 2);
      return answerOf({ own: wave(i, j) + grain(i, j, 0), before, after });
    });
    const mean = answer.reduce((sum, value) => sum + value, 0) / answer.length;
    const deviation = Math.sqrt(answer.reduce((sum, value) => sum + (value - mean) ** 2, 0) / answer.length);
    return { mean, deviation, row16: [...answer.subarray(16 * 48 + 8, 16 * 48 + 16)] };
  };

  it('is verified on a probe whose planes differ', () => {
    const probe = probeOf(({ own, before, after }) => own - (before - after));
    return withModel({ probe, task: 'contrast' }, async (directory) => {
      expect(await (await openRegistry(directory)).verify(neighboursModel, 'cpu')).toEqual([]);
    });
  });

  it('is told by an answer that is its neighbours, as of planes in another order', () => {
    const probe = probeOf(({ after }) => after);
    return withModel({ probe, misplaced: true }, async (directory) => {
      expect(await (await openRegistry(directory)).verify(neighboursModel, 'cpu')).toEqual([
        expect.stringMatching(
          /^the graph answers with 0 % of the slice and 100 % of its neighbours: x is the slice, its/,
        ),
      ]);
    });
  });

  it('is told by a graph that takes another number of planes', () =>
    withModel({ input: { slices: 1, neighbourMm: null } }, async (directory) => {
      const faults = await (await openRegistry(directory)).verify(neighboursModel, 'cpu');
      expect(faults).toEqual([
        expect.stringMatching(/^the graph does not take an input of \[1, 2, 32, 48\]: Got invalid dimensions/),
      ]);
    }));

  it.each<[string, Parameters<typeof writeNeighboursModel>[1], RegExp]>([
    ['how far a neighbour may lie', { input: { neighbourMm: null } }, /three slices need it[^]*neighbourMm/],
    ['three slices', { input: { slices: 1 } }, /one slice has no use for it[^]*neighbourMm/],
    ['a number of slices that there is', { input: { slices: 2 } }, /slices/],
    ['images in space alone', { modality: ['CT', 'US'] }, /three slices are for CT and MR alone/],
  ])('has no card without %s', (_, options, message) =>
    withModel(options, async (directory) => {
      await expect(openRegistry(directory)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
      await expect(openRegistry(directory)).rejects.toThrow(message);
    }),
  );

  it('is not asked of a card that says nothing of it', async () => {
    expect((await openRegistry(models)).get('mr-accelerated')?.input).toMatchObject({ slices: 1, neighbourMm: null });
  });
});

describe('execution providers', () => {
  it('are tried in order', async () => {
    expect(await chooseProvider(['no-such-provider', 'cpu'])).toBe('cpu');
  });
  it('that are all missing stop the process with a reason for each', async () => {
    await expect(chooseProvider(['no-such-provider'])).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      message: expect.stringContaining('no-such-provider'),
    });
  });
});
