// The sample data as series: folders of one series, and files that stand alone; each enhanced by the identity network, as a task would.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { configSchema } from '../../src/config/schema.js';
import { canonicalJson } from '../../src/dicom/canonical-json.js';
import { readInstance } from '../../src/dicom/file.js';
import type { Instance } from '../../src/dicom/file.js';
import { isReason, pixelDescription } from '../../src/dicom/pixel-description.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { sha256Of } from '../../src/dicom/uid.js';
import type { Device } from '../../src/enhance/device.js';
import type { TaskOrder } from '../../src/enhance/order.js';
import type { ReasonCode } from '../../src/errors.js';
import { seriesOfFiles } from '../../src/program/file-series.js';
import { openRegistry } from '../../src/inference/registry.js';
import { decideGate } from '../../src/route/decide-gate.js';
import { settingsOf } from '../../src/route/decide-route.js';
import { readSeriesFacts } from '../../src/route/read-facts.js';
import type { OutcomeRecord } from '../../src/spool/records.js';
import { identityModel } from './identity-model.js';
import { sharedBytes, sharedData, sharedFiles, sharedFolders } from './shared-data.js';

export interface SampleSet {
  readonly name: string;
  /** Relative to the sample data. */
  readonly files: readonly string[];
}

/** Every series folder, and every other file as a series of one: the files of transfer-syntaxes hold the same instance again and again. */
export function sampleSets(): SampleSet[] {
  const folders = ['ct', 'mr', 'odd'].flatMap((kind) => sharedFolders(kind));
  const series = folders
    .filter((folder) => !/charsets|dicomdir/.test(folder))
    .map((folder) => ({ name: folder, files: sharedFiles(folder) }))
    .filter(({ files }) => files.length > 0);
  const inSeries = new Set(series.flatMap(({ files }) => files));
  const alone = sharedFiles('')
    .filter((file) => !inSeries.has(file))
    .map((file) => ({ name: file.replace(/\.dcm$/, ''), files: [file] }));
  return [...series, ...alone];
}

/** What may be lifted is: the identity changes nothing, and more images go the whole way. */
const lift: readonly ReasonCode[] = [
  'DERIVED',
  'VENDOR_NETWORK',
  'PAEDIATRIC',
  'GAPS',
  'LOSSY',
  'BURNED_IN',
  'NOISE_NOT_MEASURABLE',
];
const vendorMarks = configSchema.parse({ node: { aeTitle: 'LIMPID' } }).gate.vendorMarks();
const source = { peer: 'unknown', callingAe: '', calledAe: '', address: '' };

export interface SampleResult {
  /** `enhanced`, or the codes for which the set is not. */
  readonly verdict: string;
  readonly outcome: OutcomeRecord | null;
  /** Where the derived objects lie. */
  readonly objects: string;
}

/** Gate and task of one set, with strength 0. `models`: a folder with the model, which is the identity network unless said. */
export function enhanceSample(
  set: SampleSet,
  device: Device,
  models: string,
  outDir: string,
  model: string = identityModel,
): Promise<SampleResult> {
  const paths = set.files.map((file) => sharedData(file) ?? '');
  return enhanceFiles(paths, device, { models, outDir, model, strength: 0 });
}

/** Gate and task of files that are one series. */
export async function enhanceFiles(
  paths: readonly string[],
  device: Device,
  {
    models,
    outDir,
    model,
    strength,
  }: { readonly models: string; readonly outDir: string; readonly model: string; readonly strength: number },
): Promise<SampleResult> {
  const objects = join(outDir, 'objects');
  const { series, refused } = await seriesOfFiles(paths, source, () => 0);
  const [one] = series;
  if (one === undefined || refused.length > 0)
    return { verdict: refusalOf(refused[0]?.why ?? ''), outcome: null, objects };
  const card = (await openRegistry(models)).get(model);
  if (card === undefined) throw new Error(`no model ${model}`);
  const pathOf = ({ file }: { file: string }): string => one.paths.get(file) ?? '';
  const facts = await readSeriesFacts(one.record, pathOf, { tags: new Set(), marks: vendorMarks });
  const gate = decideGate(facts, card, { lift, minimumSlices: 1 }, vendorMarks);
  if (gate.verdict !== 'run') {
    return { verdict: [...new Set(gate.reasons.map(({ code }) => code))].join(' '), outcome: null, objects };
  }
  await mkdir(outDir, { recursive: true });
  const settings = settingsOf(card, strength);
  const order: TaskOrder = {
    series: one.record,
    task: {
      name: model,
      rule: 'test',
      slot: 1,
      model: { id: card.id, version: card.version, sha256: card.sha256, kind: card.kind },
      settings,
      settingsSha256: sha256Of(canonicalJson(settings)),
      strength,
      lift: [...lift],
      gate,
      deliver: [],
      late: 'keep',
    },
    sources: one.record.instances.map((instance) => ({
      file: pathOf(instance),
      sopInstanceUid: instance.sopInstanceUid,
    })),
    outDir,
    modelsDirectory: models,
    ownModelsDirectory: null,
    node: { stationName: 'LIMPID', deviceSerialNumber: 'test-node', qualification: 'RESEARCH' },
    startedAtMs: Date.UTC(2026, 10, 21, 10, 15),
  };
  const { outcome } = await device.run(order);
  return { verdict: outcome.code === null ? outcome.outcome : `${outcome.code}: ${outcome.detail}`, outcome, objects };
}

/** A file that never becomes a series, by what the reader says of it. */
function refusalOf(why: string): string {
  return /(StudyInstanceUID|SeriesInstanceUID|SOPInstanceUID|SOPClassUID) is missing/.test(why)
    ? 'no identity'
    : 'no object';
}

/** Stored values of all frames, and the hash that read-pixels.py gives of them. */
export async function storedOf(instance: Instance): Promise<Int32Array> {
  const frames: Int32Array[] = [];
  for (let frame = 0, count = 1; frame < count; frame++) {
    const description = pixelDescription(instance.dataSet, frame);
    if (isReason(description)) throw new Error(`${description.code} ${description.detail}`);
    count = description.frames;
    frames.push(await decodePixels(instance.dataSet, description, instance.part10.transferSyntaxUid, frame));
  }
  const all = new Int32Array(frames.reduce((sum, { length }) => sum + length, 0));
  frames.reduce((at, values) => (all.set(values, at), at + values.length), 0);
  return all;
}

export const sampleInstance = (file: string): Instance => readInstance(sharedBytes(file));
