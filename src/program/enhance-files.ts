// `limpid enhance`: one task over each series of some files, by the same decision, child and records as in a node.
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { EnhanceFiles, EnhancedSeries } from '../cli/enhance.js';
import { strengths } from '../config/rule-schema.js';
import type { Config } from '../config/schema.js';
import { openDevice } from '../enhance/device.js';
import type { Device } from '../enhance/device.js';
import type { TaskOrder } from '../enhance/order.js';
import { panels } from '../enhance/panels.js';
import { readSlice } from '../enhance/read-slice.js';
import { LimpidError } from '../errors.js';
import type { FailureCode } from '../errors.js';
import { seriesOfFiles } from './file-series.js';
import type { FileSeries } from './file-series.js';
import { openRegistry } from '../inference/registry.js';
import type { Registry } from '../inference/registry.js';
import type { Log } from '../observe/log.js';
import { openMetrics } from '../observe/metrics.js';
import { decideRoute } from '../route/decide-route.js';
import { readSeriesFacts } from '../route/read-facts.js';
import { tagsOf } from '../route/series-facts.js';
import type { VendorMark } from '../rule.js';
import { outcomeWithout } from '../spool/outcome-without.js';
import type { OutcomeRecord, ResolvedTask } from '../spool/records.js';
import { threadsOf } from '../node/threads.js';
import { makeParents } from '../spool/write-once.js';

export interface EnhanceFilesOptions {
  readonly model: string;
  readonly strength: number | keyof typeof strengths | null;
  readonly out: string;
  readonly config: string | null;
  readonly modelsDirectory: string;
  readonly load: (file: string) => Promise<Config>;
  readonly log: Log;
}

/** Failures that are none of a series: every other one would meet them too. */
const endsAll: ReadonlySet<FailureCode> = new Set(['MODEL_INVALID', 'MODEL_UNKNOWN', 'PROVIDER_UNAVAILABLE']);

/** Pictures of a series: enough to look through, not one for each slice. */
const mostPanels = 9;
const builtIn = {
  node: { stationName: 'limpid', deviceSerialNumber: 'limpid-cli', qualification: 'RESEARCH' as const },
  marks: [] as readonly VendorMark[],
  workers: {
    providers: ['cpu'],
    threads: 'auto',
    batch: 1,
    devices: 1,
    deadlineMs: 3_600_000,
    memoryBytes: 4e9,
  } as const,
};

/** @throws LimpidError of `endsAll`; whatever else a task fails with is the outcome of its series, and the next one is tried */
export async function enhanceFiles(
  files: readonly string[],
  options: EnhanceFilesOptions,
  progress: (done: number, total: number) => void,
): ReturnType<EnhanceFiles> {
  const config = options.config === null ? null : await options.load(options.config);
  const registry = await openRegistry(options.modelsDirectory, { own: config?.models.directory ?? null });
  registry.need(options.model); // before the files are read
  const workers = config?.workers ?? builtIn.workers;
  const source = { peer: 'unknown', callingAe: '', calledAe: '', address: '' };
  const { series, refused } = await seriesOfFiles(files, source, Date.now);
  const device = openDevice({
    taskModule: new URL('../task/task.js', import.meta.url),
    providers: workers.providers,
    threads: threadsOf(workers),
    batch: workers.batch,
    deadlineMs: workers.deadlineMs,
    memoryBytes: workers.memoryBytes,
    log: options.log,
    metrics: openMetrics(),
  });
  const total = series.reduce((sum, { record }) => sum + record.instances.length, 0);
  let before = 0;
  const enhanced: EnhancedSeries[] = [];
  try {
    for (const one of series) {
      const task = await taskFor(one, registry, options, config);
      const { length } = one.record.instances;
      // An object of several frames counts once, and grows by its frames.
      const onProgress = (share: number): void => progress(before + Math.floor(share * length), total);
      enhanced.push(await runTask(one, task, device, options, config, onProgress));
      before += length;
      progress(before, total);
    }
  } finally {
    await device.close();
  }
  return { series: enhanced, refused };
}

/** The task as a rule that names only this model would resolve it, with the gate's word. */
async function taskFor(
  one: FileSeries,
  registry: Registry,
  options: EnhanceFilesOptions,
  config: Config | null,
): Promise<ResolvedTask> {
  const marks = config?.gate.vendorMarks() ?? builtIn.marks;
  const facts = await readSeriesFacts(one.record, ({ file }) => one.paths.get(file) ?? file, {
    tags: tagsOf([], registry.list()),
    marks,
  });
  const strength = typeof options.strength === 'string' ? strengths[options.strength] : options.strength;
  const { tasks } = decideRoute({
    facts,
    rules: [
      {
        name: 'command',
        when: null,
        enhance: [{ model: options.model, strength, lift: [], minimumSlices: 1 }],
        forward: [],
        deliver: [],
        priority: 'routine',
        goesOn: false,
        late: 'keep',
        assemble: {},
      },
    ],
    marks,
    cards: (id) => registry.get(id),
    codes: config?.node.codes ?? 'limpid',
    revisionsWithinHour: 1,
  });
  const [task] = tasks;
  if (task === undefined) throw new LimpidError('INTERNAL', 'a rule without a condition gave no task');
  return task;
}

async function runTask(
  { record, paths }: FileSeries,
  task: ResolvedTask,
  device: Device,
  options: EnhanceFilesOptions,
  config: Config | null,
  onProgress: (share: number) => void,
): Promise<EnhancedSeries> {
  const folder = resolve(options.out, record.key, task.name);
  // Under its own name once it is whole: half a series whose limits nobody has judged looks like a result, and a terminal may be closed.
  const unfinished = `${folder}.unfinished`;
  await rm(folder, { recursive: true, force: true });
  await emptyFolder(unfinished);
  const started = performance.now();
  const order: TaskOrder = {
    series: record,
    task,
    sources: record.instances.map(({ file, sopInstanceUid }) => ({
      file: resolve(paths.get(file) ?? file),
      sopInstanceUid,
    })),
    outDir: unfinished,
    modelsDirectory: options.modelsDirectory,
    ownModelsDirectory: config?.models.directory ?? null,
    node:
      config === null
        ? builtIn.node
        : {
            ...builtIn.node,
            aeTitle: config.node.aeTitle,
            stationName: config.node.name,
            qualification: config.node.qualification,
            institution: config.node.institution,
            keepPrivate: config.node.keepPrivate,
          },
    startedAtMs: Date.now(),
  };
  const [blocking] = task.gate.reasons;
  const outcome: OutcomeRecord =
    task.gate.verdict !== 'run' && blocking !== undefined
      ? outcomeWithout(Date.now(), task, 'skipped', blocking.code, blocking.detail)
      : await outcomeOf(order, device, onProgress);
  await writeFile(join(unfinished, 'outcome.json'), JSON.stringify(outcome, null, 1));
  // for a node that withdraws what it has sent; here it would be a DICOM file of no series among those that people send on
  await rm(join(unfinished, 'study.dcm'), { force: true });
  await drawPanels(order, outcome);
  await rename(unfinished, folder);
  return {
    key: record.key,
    task: task.name,
    outcome: outcome.outcome,
    code: outcome.code,
    detail: outcome.detail,
    slices: outcome.instances.length,
    seconds: (performance.now() - started) / 1000,
    noise: outcome.noise,
    folder,
  };
}

async function emptyFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await makeParents(folder);
}

/** Runs the task once; of one that fails nothing is left that could be taken for a result. */
async function outcomeOf(
  order: TaskOrder,
  device: Device,
  onProgress: (share: number) => void,
): Promise<OutcomeRecord> {
  try {
    return (await device.run(order, { onProgress: ({ done, total }) => onProgress(done / total) })).outcome;
  } catch (error) {
    await rm(order.outDir, { recursive: true, force: true });
    if (!(error instanceof LimpidError) || endsAll.has(error.code)) throw error;
    await makeParents(order.outDir);
    return outcomeWithout(Date.now(), order.task, 'failed', error.code, error.message);
  }
}

async function drawPanels({ outDir, sources }: TaskOrder, { instances }: OutcomeRecord): Promise<void> {
  if (instances.length === 0) return;
  await mkdir(join(outDir, 'panels'));
  const count = Math.min(mostPanels, instances.length);
  for (let index = 0; index < count; index += 1) {
    const derived = instances[Math.floor(((index + 0.5) * instances.length) / count)];
    const source = sources.find(({ sopInstanceUid }) => sopInstanceUid === derived?.source);
    if (derived === undefined || source === undefined) continue;
    const before = await readSlice(source.file);
    const after = await readSlice(join(outDir, 'objects', derived.file));
    const png = panels(before.modality === 'CT' ? 'CT' : 'MR', before, after);
    await writeFile(join(outDir, 'panels', derived.file.replace(/\.dcm$/, '.png')), png);
  }
}
