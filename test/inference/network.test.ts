// What a slice goes through before a network, and slices in batches.
import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { fillInput, openNetwork } from '../../src/inference/network.js';
import type { Neighbours, NoisySlice } from '../../src/inference/network.js';
import { openRegistry } from '../../src/inference/registry.js';
import { uniform } from '../../src/imaging/random.js';
import {
  identityModel,
  neighboursModel,
  weightsFile,
  writeIdentityModel,
  writeNeighboursModel,
} from '../support/identity-model.js';
import type { spoiltModels } from '../support/identity-model.js';
import { openFolder, withFolder } from '../support/temporary.js';
import { modelsDirectory, shippedModels, shippedFilters } from '../support/shipped-models.js';

function noisy(rows: number, columns: number, seed: number): NoisySlice {
  const next = uniform(seed);
  const values = Float32Array.from({ length: rows * columns }, () => 200 * next());
  return { slice: { rows, columns, values }, noise: new Float32Array(values.length).fill(10 + seed) };
}

/** With neighbours of chance. @param missing the one that is not there */
const seen = (rows: number, columns: number, seed: number, missing?: keyof Neighbours): NoisySlice => {
  const around = { before: noisy(rows, columns, seed + 100), after: noisy(rows, columns, seed + 200) };
  const neighbours = { before: around.before.slice.values, after: around.after.slice.values };
  return { ...noisy(rows, columns, seed), neighbours: missing ? { ...neighbours, [missing]: null } : neighbours };
};

describe('a batch', () => {
  const networks = shippedModels.filter((id) => !shippedFilters.includes(id));

  it.each(networks)(
    'gives of %s what each slice gives alone, to 1e-4 of its scale, whatever the shapes',
    async (id) => {
      const registry = await openRegistry(modelsDirectory);
      const card = registry.get(id);
      if (card === undefined || card.input === null) throw new Error(`no ${id}`);
      const tile = { side: 64, halo: 24 };
      const network = await openNetwork({ ...card, input: { ...card.input, tile } }, registry.file(id), 'cpu');
      // Three of one shape, one of odd sides, one that is cut into tiles.
      const slices = [seen(48, 56, 1), seen(48, 56, 2), noisy(48, 56, 3), seen(47, 33, 4), seen(70, 90, 5)];
      const together = await network.residuals(slices);
      const [scale, apart] = [card.input.scale, [] as number[]];
      for (const [i, slice] of slices.entries()) {
        const [alone = new Float32Array(0)] = await network.residuals([slice]);
        expect(together[i]).toHaveLength(alone.length);
        apart.push(alone.reduce((most, value, at) => Math.max(most, Math.abs(value - together[i]![at]!)), 0));
        expect(Math.max(...alone.map(Math.abs))).toBeGreaterThan(1); // it has taken something away
      }
      await network.close();
      expect(Math.max(...apart)).toBeLessThan(1e-4 * scale);
    },
  );
});

describe('a network that answers with another size', () => {
  it.each(['half the size', 'two planes'] as const)(
    'is no model of its card, and nothing comes of it: %s',
    async (spoilt) => {
      const folder = await openFolder();
      await writeIdentityModel(folder.path, { spoilt });
      const registry = await openRegistry(folder.path);
      const card = registry.get(identityModel);
      if (card === undefined) throw new Error('no card');
      const network = await openNetwork(card, registry.file(identityModel), 'cpu');
      const asked = network.residuals([noisy(48, 56, 1)]);
      await expect(asked).rejects.toMatchObject({
        code: 'MODEL_INVALID',
        message: expect.stringContaining('not one for each pixel'),
      });
      await network.close();
      await folder.remove();
    },
  );
});

describe('a network whose card does not tell all of it', () => {
  const opened = async (folder: string, spoilt: keyof typeof spoiltModels): ReturnType<typeof openNetwork> => {
    await writeIdentityModel(folder, { spoilt });
    const registry = await openRegistry(folder);
    return openNetwork(registry.need(identityModel), registry.file(identityModel), 'cpu');
  };

  it('is none, where it answers with rows for columns', () =>
    withFolder(async (folder) => {
      const network = await opened(folder, 'rows for columns');
      await expect(network.residuals([noisy(48, 56, 1)])).rejects.toMatchObject({
        code: 'MODEL_INVALID',
        message: 'the graph answers [1, 2, 48, 56] with [1, 1, 56, 48]: rows and columns have changed places',
      });
      await network.close();
    }));

  it('is none, where its weights lie in another file: what the card names by its SHA-256 would be a part of it', () =>
    withFolder(async (folder) => {
      const before = process.cwd();
      // onnxruntime would look here.
      process.chdir(folder);
      try {
        await writeFile(weightsFile, new Uint8Array(Float32Array.from({ length: 1000 }, () => 1).buffer));
        await expect(opened(folder, 'weights outside')).rejects.toMatchObject({
          code: 'MODEL_INVALID',
          message: expect.stringContaining('its weights lie in a file beside it (external data)'),
        });
      } finally {
        process.chdir(before);
      }
    }));
});

describe('a network that sees three slices', () => {
  /** What the network of the tests takes away: the slice before less the slice after. */
  const taken = ({ slice, neighbours }: NoisySlice): Float32Array =>
    slice.values.map((value, i) => (neighbours?.before?.[i] ?? value) - (neighbours?.after?.[i] ?? value));
  it('gets the neighbours of each slice, in batches and in tiles, whatever the shapes', async () => {
    const folder = await openFolder();
    await writeNeighboursModel(folder.path, { input: { multipleOf: 4, tile: { side: 64, halo: 8 } } });
    const registry = await openRegistry(folder.path);
    const card = registry.get(neighboursModel);
    if (card === undefined) throw new Error('no card');
    const network = await openNetwork(card, registry.file(neighboursModel), 'cpu');
    const slices = [
      seen(48, 56, 1),
      seen(48, 56, 2, 'before'),
      seen(48, 56, 3, 'after'),
      noisy(48, 56, 4),
      seen(47, 33, 5),
      seen(150, 90, 6),
      seen(150, 90, 7, 'after'),
    ];
    const residuals = await network.residuals(slices);
    await network.close();
    await folder.remove();
    const apart = slices.map((slice, i) => {
      const wanted = taken(slice);
      expect(residuals[i]).toHaveLength(wanted.length);
      return wanted.reduce((most, value, at) => Math.max(most, Math.abs(value - residuals[i]![at]!)), 0);
    });
    expect(Math.max(...apart)).toBeLessThan(1e-3);
  });
});

describe('the input of a network', () => {
  const range = { atLeast: 0, atMost: 20 };
  const one = {
    input: 'x',
    output: 'y',
    slices: 1,
    neighbourMm: null,
    scale: 10,
    multipleOf: 2,
    range,
    tile: null,
  } as const;
  const three = { ...one, slices: 3, neighbourMm: { atLeast: 0.3, atMost: 6 } } as const;

  it('is limited to its range, scaled, and repeats its edge', () => {
    const slice = { rows: 1, columns: 3, values: Float32Array.of(-5, 10, 30) };
    const out = new Float32Array(2 * 2 * 4);
    fillInput({ slice, noise: Float32Array.of(1, 2, 3) }, one, 2, 4, out);
    const image = [0, 1, 2, 2];
    const noise = [0.1, 0.2, 0.3, 0.3].map(Math.fround);
    expect([...out]).toEqual([...image, ...image, ...noise, ...noise]);
  });

  it('has the neighbours likewise, and the slice itself where one is missing', () => {
    const slice = { rows: 1, columns: 3, values: Float32Array.of(-5, 10, 30) };
    const noise = Float32Array.of(1, 2, 3);
    const after = Float32Array.of(5, 50, 15);
    const image = [0, 1, 2, 2];
    const planes = (neighbours: Neighbours | undefined): number[][] => {
      const out = new Float32Array(4 * 2 * 4);
      fillInput(neighbours === undefined ? { slice, noise } : { slice, noise, neighbours }, three, 2, 4, out);
      return [2, 3].map((plane) => [...out.subarray(plane * 8, plane * 8 + 4)]);
    };
    expect(planes({ before: null, after })).toEqual([image, [0.5, 2, 1.5, 1.5]]);
    expect(planes({ before: after, after: null })).toEqual([[0.5, 2, 1.5, 1.5], image]);
    expect(planes(undefined)).toEqual([image, image]);
    // Neighbours of another unit: four times and half as much is one of the slice's.
    const factors = { before: 0.25, after: 2 };
    expect(
      planes({ before: after.map((value) => 4 * value), after: after.map((value) => value / 2), factors }),
    ).toEqual([
      [0.5, 2, 1.5, 1.5],
      [0.5, 2, 1.5, 1.5],
    ]);
    expect(planes({ before: null, after, factors: { before: 0.25, after: 0.5 } })).toEqual([
      image,
      [0.25, 2, 0.75, 0.75],
    ]);
  });
});
