// What a thread that ends means: for the steps that decode, for those that work on what was decoded, and by how it ended.
import { describe, expect, it } from '@jest/globals';
import { Refusal } from '../../src/enhance/refusal.js';
import { orderSeries } from '../../src/enhance/series.js';
import { SliceSteps } from '../../src/enhance/slice-steps.js';
import { ThreadEnded } from '../../src/threads/thread.js';
import { openRegistry } from '../../src/inference/registry.js';
import { openTaskThreads } from '../support/task-threads.js';
import type { Slices } from '../support/task-threads.js';
import type { Pool } from '../../src/threads/pool.js';
import type { Thread } from '../../src/threads/thread.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { modelsDirectory, orderFor } from '../support/task-order.js';
import { withFolder } from '../support/temporary.js';

/** A step, in a thread that ends as it is told to once the series has been surveyed. */
async function ended(
  step: 'prepare' | 'measure',
  why: ThreadEnded['why'],
  side = 64,
): Promise<{ readonly error: unknown; readonly deadlineMs: number | null }> {
  return withFolder(async (folder) => {
    const source = await writeSyntheticSeries(folder, {
      modality: 'CT',
      slices: 2,
      rows: 64,
      columns: 64,
      noise: 12,
      seed: 3,
      // Its header alone is looked at.
      change: () => [
        [0x00280010, 'US', [side]],
        [0x00280011, 'US', [side]],
      ],
    });
    const order = await orderFor(source, { model: 'gaussian', strength: 0.4, outDir: `${folder}/out` });
    const card = (await openRegistry(modelsDirectory)).get('gaussian');
    if (card === undefined) throw new Error('no model');
    const threads = openTaskThreads(1);
    try {
      const asked: (number | null)[] = [];
      const real = threads.slices.least();
      const dying: Thread<Slices> = {
        pending: 1,
        alive: true,
        end: () => real.end(),
        call: (method, argument, options) => {
          if (method !== step) return real.call(method, argument, options);
          asked.push(options.deadlineMs);
          return Promise.reject(new ThreadEnded(why, 'it is over'));
        },
      };
      const slices: Pool<Slices> = { size: 1, least: () => dying, all: () => [dying] };
      const unused = (): never => {
        throw new Error('not asked for');
      };
      const steps = new SliceSteps(order, {
        slices,
        inference: threads.inference,
        model: { card, file: '', provider: 'cpu', batch: 1 },
        sliceDeadlineMs: 1000,
        planOf: unused,
        checkSeries: unused,
        now: () => 0,
        onSlice: () => undefined,
        onModel: () => undefined,
      });
      const series = orderSeries(await steps.survey(), order.sources, null);
      if ('code' in series) throw new Error(series.code);
      const measured = async (): Promise<unknown> => {
        const slice = await steps.prepare(0, series, 10);
        return steps.measure(slice, null, [1], 'meant');
      };
      const error = await measured().catch((thrown: unknown) => thrown);
      return { error, deadlineMs: asked[0] ?? null };
    } finally {
      await threads.end();
    }
  });
}

describe('a thread that ends', () => {
  it.each(['prepare', 'measure'] as const)(
    'for want of an answer to %s says nothing against the pixels: the task may be tried again',
    async (step) => {
      const { error } = await ended(step, 'no answer');
      expect(error).toMatchObject({ code: 'ENHANCE_DEADLINE', message: 'a step of 0001.dcm: it is over' });
    },
  );
  it('by itself while it decodes ends the task for good', async () => {
    const { error } = await ended('prepare', 'died');
    expect(error).toBeInstanceOf(Refusal);
    expect(error).toMatchObject({
      ending: { outcome: 'skipped', code: 'UNDECODABLE', detail: '0001.dcm: it is over' },
    });
  });
  it('by itself within work of its own is a fault of limpid, not of the pixels', async () => {
    expect((await ended('measure', 'died')).error).toMatchObject({ code: 'INTERNAL' });
  });
});

it('a step has time for what waits before it in its thread, and for the pixels of a large slice', async () => {
  expect((await ended('prepare', 'died')).deadlineMs).toBe(2000);
  expect((await ended('prepare', 'died', 3072)).deadlineMs).toBe(4500);
});
