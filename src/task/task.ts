// Entry of the child process that runs tasks: one device, one task at a time. Its main thread stays free; it ends itself when its
// parent's channel closes. Started by enhance/device.ts.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../dicom/canonical-json.js';
import { readInstanceHeader } from '../dicom/file.js';
import { derivedSeriesUid, sourceSetDigest } from '../dicom/uid.js';
import { checkSeries } from '../derive/check-series.js';
import type { InstanceSummary } from '../derive/check-series.js';
import type { FramePart } from '../derive/frame-part.js';
import type { DerivationPlan } from '../derive/plan.js';
import { studyHeader } from '../derive/study-header.js';
import { standardCodes } from '../derive/standard-codes.js';
import { derivedSeries } from '../derive/texts.js';
import { measureSeries } from '../enhance/measure-series.js';
import type { InferenceMethods, SliceMethods } from '../enhance/methods.js';
import type { TaskOrder } from '../enhance/order.js';
import type { Found } from '../enhance/outcome.js';
import { openPool } from '../threads/pool.js';
import type { Pool } from '../threads/pool.js';
import type { ToChild, ToParent } from '../enhance/protocol.js';
import { runTask } from '../enhance/run-task.js';
import type { OrderedSeries } from '../enhance/series.js';
import { LimpidError, failureCodeOf } from '../errors.js';
import type { ModelCard } from '../inference/card.js';
import { cardDigest } from '../route/card-digest.js';
import { chooseProvider } from '../inference/provider.js';
import { readModel } from '../inference/registry.js';
import type { OutcomeRecord } from '../spool/records.js';
import { writeSynced } from '../spool/write-once.js';
import { pipelineNumber } from '../version.js';

const memoryEveryMs = 500;

interface Opened {
  readonly provider: string;
  readonly slices: Pool<SliceMethods<DerivationPlan, FramePart, InstanceSummary>>;
  readonly inference: Pool<InferenceMethods>;
  readonly batch: number;
  readonly sliceDeadlineMs: number;
}

function tell(message: ToParent): void {
  // The parent may be gone already; 'disconnect' ends this process then.
  process.send?.(message, undefined, {}, () => undefined);
}

/**
 * The card that the decision resolved the task with, and no other version of it: not one with other parameters or numbers either, which
 * stand in the settings that the result's UIDs are made of. Decisions of earlier releases do not name the numbers.
 */
async function cardOf(order: TaskOrder): Promise<{ card: ModelCard; file: string }> {
  const { model, settings } = order.task;
  const { id, version, sha256 } = model;
  const { card, file } = await readModel(order.modelsDirectory, order.ownModelsDirectory, id);
  const numbers = cardDigest(card);
  const other =
    card.version !== version
      ? `version ${card.version}`
      : card.sha256 !== sha256
        ? `another file of version ${version}`
        : canonicalJson(card.parameters) !== canonicalJson(settings['parameters'] ?? {})
          ? `version ${version} with other parameters`
          : (settings['card'] ?? numbers) !== numbers
            ? `version ${version} with other numbers`
            : null;
  if (other === null) return { card, file };
  throw new LimpidError(
    'MODEL_UNKNOWN',
    `the decision names ${id} ${version}, its folder has ${other}: it was changed after the decision, or since this node started`,
  );
}

/** What noise reduction is called in ultrasound (conformance: texts, codes, references). */
const speckle = {
  codes: [{ value: 'DSP', scheme: '99LIMPID', meaning: 'Speckle reduction' }],
  words: 'speckle reduction',
  mark: 'DSP',
} as const;

const bothSayProduct = ({ node }: TaskOrder, card: ModelCard): boolean =>
  node.qualification === 'PRODUCT' && card.qualification === 'PRODUCT';

function planOf(order: TaskOrder, card: ModelCard, found: Found, series: OrderedSeries): DerivationPlan {
  const { task, sources } = order;
  const digest = sourceSetDigest(sources.map(({ sopInstanceUid }) => sopInstanceUid));
  const sourceSeriesInstanceUid = order.series.seriesInstanceUid;
  const lowest = series.images[series.byPosition[0] ?? 0];
  const first = lowest === undefined ? undefined : series.words[lowest.source];
  if (first === undefined) throw new LimpidError('INTERNAL', 'a series without instances');
  const told =
    series.modality === 'US' && card.grid === null
      ? speckle
      : { codes: card.codes, words: card.words, mark: card.mark };
  const isStandardOnly = task.settings['codes'] === 'standard-only';
  const step = isStandardOnly ? { ...told, codes: standardCodes(told.codes) } : told;
  return {
    sourceSeriesInstanceUid,
    series: derivedSeries(series.words, first, { slot: task.slot, mark: step.mark }),
    seriesInstanceUid: derivedSeriesUid({
      sourceSeriesInstanceUid,
      modelId: card.id,
      modelVersion: card.version,
      modelSha256: card.sha256,
      settingsSha256: task.settingsSha256,
      sourceSetDigest: digest,
      pipeline: pipelineNumber,
      remake: order.series.remake,
    }),
    model: {
      id: card.id,
      version: card.version,
      sha256: card.sha256,
      maker: card.maker,
      ...step,
    },
    settings: canonicalJson(task.settings),
    settingsSha256: task.settingsSha256,
    ...(card.grid === null ? {} : { geometry: card.grid }),
    strengthAsked: task.strength,
    strengthReached: found.reached,
    noise: found.noise,
    sourceSetDigest: digest,
    pipeline: pipelineNumber,
    remake: order.series.remake,
    slot: task.slot,
    startedAtMs: order.startedAtMs,
    // Only where the site and who made the model both say so (conformance 1).
    node: { ...order.node, qualification: bothSayProduct(order, card) ? 'PRODUCT' : 'RESEARCH' },
    instanceNumbers: series.instanceNumbers,
  };
}

async function runOrder(order: TaskOrder, opened: Opened): Promise<void> {
  const start = performance.now();
  const { card, file } = await cardOf(order);
  const outcome = await runTask(order, {
    slices: opened.slices,
    inference: opened.inference,
    model: { card, file, provider: opened.provider, batch: opened.batch },
    sliceDeadlineMs: opened.sliceDeadlineMs,
    planOf: (found, series) => planOf(order, card, found, series),
    checkSeries: (summaries, plan) =>
      checkSeries(
        order.sources.map(({ sopInstanceUid }) => sopInstanceUid),
        summaries,
        plan,
      ),
    now: () => order.startedAtMs + Math.round(performance.now() - start),
    onModel: (seconds) => tell({ kind: 'model', seconds }),
    onSlice: ({ figures, modality }, done, total) => {
      const { noiseRatio, meanShift, noiseBefore, edgeRatio, periodic, smoothChange } = figures;
      const shift =
        meanShift !== null && noiseBefore !== null && noiseBefore > 0 ? Math.abs(meanShift) / noiseBefore : null;
      tell({ kind: 'slice', done, total, modality, noiseRatio, meanShift: shift, edgeRatio, periodic, smoothChange });
    },
  });
  await keepStudy(order, outcome);
  tell({ kind: 'report', report: { outcome } });
}

/** Keeps patient and study of the result beside it, without pixels: it may be withdrawn when its objects are swept. */
async function keepStudy({ outDir }: TaskOrder, { instances: [first] }: OutcomeRecord): Promise<void> {
  if (first === undefined) return;
  const { dataSet } = readInstanceHeader(await readFile(join(outDir, 'objects', first.file)));
  await writeSynced(join(outDir, 'study.dcm'), studyHeader(dataSet), 'always');
}

function tellFault(error: unknown): void {
  const code = failureCodeOf(error);
  tell({ kind: 'fault', code, message: error instanceof Error ? error.message : String(error) });
}

let opened: Promise<Opened> | null = null;

async function open(message: ToChild & { kind: 'open' }): Promise<Opened> {
  const provider = await chooseProvider(message.providers);
  tell({ kind: 'ready', provider });
  return {
    provider,
    slices: openPool(new URL('./slice-thread.js', import.meta.url), message.threads),
    // A GPU has one session, which takes a batch; CPU threads have a session each, where a batch would bring nothing.
    inference: openPool(new URL('./inference-thread.js', import.meta.url), provider === 'cpu' ? message.threads : 1),
    batch: provider === 'cpu' ? 1 : message.batch,
    sliceDeadlineMs: message.sliceDeadlineMs,
  };
}

async function answer(message: ToChild): Promise<void> {
  try {
    if (message.kind === 'open') {
      opened = open(message);
      await opened;
    } else {
      if (!opened) throw new LimpidError('INTERNAL', 'an order came before the device was opened');
      if (message.kind === 'measure') {
        const { slices, sliceDeadlineMs } = await opened;
        tell({ kind: 'measured', measured: await measureSeries(message.files, slices, sliceDeadlineMs) });
      } else await runOrder(message.order, await opened);
    }
  } catch (error) {
    tellFault(error);
  }
}

process.on('message', (message: ToChild) => void answer(message));
// SIGKILL, since a plain exit would end inference threads within run(), which aborts with a core dump.
const endNow = (): void => void process.kill(process.pid, 'SIGKILL');
process.on('disconnect', endNow);
// A terminal tells its whole group; what comes of that for a task is the parent's word.
for (const signal of ['SIGHUP', 'SIGINT'] as const) process.on(signal, () => undefined);
// A parent that died while these modules were loading has disconnected before anybody listened.
if (!process.connected) endNow();
setInterval(() => tell({ kind: 'memory', bytes: process.memoryUsage.rss() }), memoryEveryMs);
