// A model that gives a slice of a batch what belongs to its neighbour: seen before it has worked on any image.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { proveBatchOrder } from '../../src/enhance/batch-order.js';
import { openEnhancer } from '../../src/enhance/enhancer.js';
import type { Enhancer } from '../../src/enhance/enhancer.js';
import { fingerprintsOf } from '../../src/enhance/fingerprint.js';
import type { InferenceMethods } from '../../src/enhance/methods.js';
import { openRegistry } from '../../src/inference/registry.js';
import { openPool } from '../../src/threads/pool.js';
import { identityModel, neighboursModel, writeIdentityModel, writeNeighboursModel } from '../support/identity-model.js';
import { modelsDirectory } from '../support/shipped-models.js';

let folder = '';
const inference = openPool<InferenceMethods>(new URL('../../src/task/inference-thread.js', import.meta.url), 1);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limpid-batch-order-'));
  await writeIdentityModel(join(folder, 'right'));
  await writeIdentityModel(join(folder, 'rolled'), { rolled: true });
  await writeNeighboursModel(join(folder, 'right'));
  await writeNeighboursModel(join(folder, 'rolled'), { rolled: true });
});
afterAll(async () => {
  await Promise.all(inference.all().map((thread) => thread.end()));
  await rm(folder, { recursive: true });
});

async function opened(directory: string, id: string): Promise<Enhancer> {
  const registry = await openRegistry(directory);
  const card = registry.get(id);
  if (card === undefined) throw new Error(`no ${id}`);
  return openEnhancer(card, registry.file(id), 'cpu');
}

describe('the order of a batch', () => {
  it.each(['ct-low-dose', 'ct-low-dose-fast', 'mr-accelerated', 'us-despeckle', 'gaussian', 'ct-super-resolution-x2'])(
    'is kept by %s',
    async (id) => {
      const enhancer = await opened(modelsDirectory, id);
      for (const count of [2, 5]) await proveBatchOrder(enhancer, count);
      await enhancer.close();
    },
  );

  it.each([identityModel, neighboursModel])('is kept by %s, and not by one that rolls its batch', async (id) => {
    const [right, rolled] = [await opened(join(folder, 'right'), id), await opened(join(folder, 'rolled'), id)];
    await proveBatchOrder(right, 4);
    await proveBatchOrder(rolled, 1);
    await expect(proveBatchOrder(rolled, 4)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: 'of a batch of 4 slices the model gives slice 1 something else than alone',
    });
    await Promise.all([right.close(), rolled.close()]);
  });

  it.each<[what: string, of: (answers: Float32Array[]) => Float32Array[]]>([
    ['two exchanged', ([a, b, ...rest]) => (a === undefined || b === undefined ? [] : [b, a, ...rest])],
    ['turned round', (answers) => answers.toReversed()],
    ['one for all', ([first, ...rest]) => (first === undefined ? [] : [first, ...rest.map(() => first)])],
    ['one missing', (answers) => answers.slice(1)],
    ['no numbers', (answers) => answers.map((answer) => answer.map(() => Number.NaN))],
  ])('is not kept where there are %s', async (_, of) => {
    const enhancer = await opened(modelsDirectory, 'gaussian');
    const mixed: Enhancer = { ...enhancer, residuals: async (batch) => of(await enhancer.residuals(batch)) };
    await expect(proveBatchOrder(mixed, 3)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
  });
});

describe('the thread that runs the model', () => {
  const alone = { before: null, after: null };
  const call = async (directory: string, seeds: readonly number[]) => {
    const registry = await openRegistry(join(folder, directory));
    const card = registry.get(identityModel);
    if (card === undefined) throw new Error('no identity');
    const model = { card, file: registry.file(identityModel), provider: 'cpu', batch: 4 };
    return Promise.allSettled(
      seeds.map(async (seed) => {
        const values = new Float32Array(512 * 512).fill(seed);
        const map = new Float32Array(512 * 512).fill(1);
        const { output } = await inference
          .least()
          .call('residual', { model, rows: 512, columns: 512, values, map, neighbours: alone }, { deadlineMs: null });
        return {
          isZero: output.residual.every((value) => value === 0),
          isOwn: output.of === fingerprintsOf(values, map, alone).of,
        };
      }),
    );
  };

  it('answers slices that came together each with its own', async () => {
    const value = { isZero: true, isOwn: true };
    expect(await call('right', [1, 2, 3])).toEqual([1, 2, 3].map(() => ({ status: 'fulfilled', value })));
  });

  it('gives nothing of a batch that the model mixes up; what went through it alone is right', async () => {
    // The first may go alone, before the others are heard.
    const ended = await call('rolled', [1, 2, 3, 4, 5, 6, 7, 8]);
    for (const one of ended)
      expect(one).toMatchObject(
        one.status === 'fulfilled'
          ? { value: { isZero: true, isOwn: true } }
          : { reason: { code: 'MODEL_INVALID', message: expect.stringMatching(/^of a batch of \d slices/) } },
      );
    expect(ended.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(3);
  });
});
