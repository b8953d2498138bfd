// A task over four simulated slices, of CT unless told otherwise, run in this process's threads.
import { mkdtemp, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { checkSeries } from '../../src/derive/check-series.js';
import type { InstanceSummary } from '../../src/derive/check-series.js';
import type { FramePart } from '../../src/derive/frame-part.js';
import type { DerivationPlan } from '../../src/derive/plan.js';
import { readInstance } from '../../src/dicom/file.js';
import type { InferenceMethods } from '../../src/enhance/methods.js';
import { runTask } from '../../src/enhance/run-task.js';
import type { TaskPorts } from '../../src/enhance/slice-steps.js';
import { openRegistry } from '../../src/inference/registry.js';
import type { OutcomeRecord } from '../../src/spool/records.js';
import type { Pool } from '../../src/threads/pool.js';
import { planFor } from './derivation.js';
import { writeSyntheticSeries } from './synthetic-series.js';
import type { SyntheticOptions } from './synthetic-series.js';
import { modelsDirectory, orderFor } from './task-order.js';

export interface SmallTask extends OutcomeRecord {
  /** Files, in the order of the slices. */
  readonly sources: readonly string[];
  readonly objects: readonly string[];
}

/** @param folder where the task gets a folder of its own */
export async function smallTask(
  folder: string,
  threads: {
    readonly slices: TaskPorts<DerivationPlan, FramePart, InstanceSummary>['slices'];
    readonly inference: Pool<InferenceMethods>;
  },
  {
    model,
    strength,
    series = {},
  }: { readonly model: string; readonly strength: number; readonly series?: Partial<SyntheticOptions> },
): Promise<SmallTask> {
  const shape = { modality: 'CT', rows: 96, columns: 96, seed: 4, noise: 25, slices: 4, ...series } as const;
  const own = await mkdtemp(join(folder, 'task-'));
  const source = await writeSyntheticSeries(join(own, 'source'), shape);
  const order = await orderFor(source, { model, strength, outDir: join(own, 'out') });
  const card = (await openRegistry(modelsDirectory)).get(model);
  if (card === undefined) throw new Error(`no model ${model}`);
  const instances = await Promise.all(
    source.files.map(async (file) => readInstance(new Uint8Array(await readFile(file)))),
  );
  const grid = card.grid === null ? {} : { geometry: card.grid };
  const plan = { ...planFor(instances), ...grid, startedAtMs: order.startedAtMs };
  const outcome = await runTask<DerivationPlan, FramePart, InstanceSummary>(order, {
    slices: threads.slices,
    inference: threads.inference,
    model: { card, file: '', provider: 'cpu', batch: 1 },
    sliceDeadlineMs: 60_000,
    planOf: () => plan,
    checkSeries: (summaries) => checkSeries(source.sopInstanceUids, summaries, plan),
    now: () => order.startedAtMs,
    onSlice: () => undefined,
    onModel: () => undefined,
  });
  const objects = join(own, 'out', 'objects');
  const names = await readdir(objects).catch(() => []);
  return {
    ...outcome,
    sources: source.files,
    objects: names.toSorted((a, b) => a.localeCompare(b)).map((name) => join(objects, name)),
  };
}
