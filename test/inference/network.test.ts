// What a slice goes through before a network, and slices in batches.
import { describe, expect, it } from '@jest/globals';
import { fillInput, openNetwork } from '../../src/inference/network.js';
import type { NoisySlice } from '../../src/inference/network.js';
import { openRegistry } from '../../src/inference/registry.js';
import { uniform } from '../../src/imaging/random.js';
import { identityModel, writeIdentityModel } from '../support/identity-model.js';
import { openFolder } from '../support/temporary.js';
import { modelsDirectory, shippedModels, shippedFilters } from '../support/shipped-models.js';

function noisy(rows: number, columns: number, seed: number): NoisySlice {
  const next = uniform(seed);
  const values = Float32Array.from({ length: rows * columns }, () => 200 * next());
  return { slice: { rows, columns, values }, noise: new Float32Array(values.length).fill(10 + seed) };
}

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
      const slices = [noisy(48, 56, 1), noisy(48, 56, 2), noisy(48, 56, 3), noisy(47, 33, 4), noisy(70, 90, 5)];
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

describe('the input of a network', () => {
  const input = { input: 'x', output: 'y', scale: 10, multipleOf: 2, range: { atLeast: 0, atMost: 20 }, tile: null };

  it('is limited to its range, scaled, and repeats its edge', () => {
    const slice = { rows: 1, columns: 3, values: Float32Array.of(-5, 10, 30) };
    const out = new Float32Array(2 * 2 * 4);
    fillInput(slice, Float32Array.of(1, 2, 3), input, 2, 4, out);
    const image = [0, 1, 2, 2];
    const noise = [0.1, 0.2, 0.3, 0.3].map(Math.fround);
    expect([...out]).toEqual([...image, ...image, ...noise, ...noise]);
  });
});
