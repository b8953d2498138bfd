// Orders for a task's child over a synthetic series, as the worker would give them.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalJson } from '../../src/dicom/canonical-json.js';
import { sha256Of } from '../../src/dicom/uid.js';
import type { TaskOrder } from '../../src/enhance/order.js';
import { openRegistry } from '../../src/inference/registry.js';
import { keyOf } from '../../src/spool/key.js';
import type { SyntheticSeries } from './synthetic-series.js';

export const modelsDirectory = fileURLToPath(new URL('../../../models', import.meta.url));
export const taskModule = new URL('../../src/task/task.js', import.meta.url);

export interface OrderOptions {
  readonly model: string;
  readonly strength: number;
  /** Made by this function; objects come into it. */
  readonly outDir: string;
  /** Where its model is; the shipped ones. */
  readonly models?: string;
}

/** An order for the whole series. Only files and UIDs of the series are looked at; the rest of its record is made up. */
export async function orderFor(
  series: Pick<SyntheticSeries, 'files' | 'sopInstanceUids' | 'studyInstanceUid' | 'seriesInstanceUid' | 'sopClassUid'>,
  { model, strength, outDir, models = modelsDirectory }: OrderOptions,
): Promise<TaskOrder> {
  await mkdir(outDir, { recursive: true });
  const card = (await openRegistry(models)).get(model);
  if (!card) throw new Error(`no model ${model}`);
  const { parameters } = card;
  const settings = { model, strength, ...(Object.keys(parameters).length === 0 ? {} : { parameters }) };
  const settingsSha256 = sha256Of(canonicalJson(settings));
  return {
    series: {
      version: 1,
      key: keyOf(series.studyInstanceUid, series.seriesInstanceUid),
      revision: 1,
      cause: 'arrival',
      closed: 'quiet',
      openedAt: '2026-03-01T10:15:00.000Z',
      closedAt: '2026-03-01T10:16:00.000Z',
      studyInstanceUid: series.studyInstanceUid,
      seriesInstanceUid: series.seriesInstanceUid,
      sources: [{ peer: 'unknown', callingAe: 'TEST', calledAe: 'LIMPID', address: '127.0.0.1' }],
      remake: 1,
      action: null,
      instances: series.sopInstanceUids.map((sopInstanceUid, i) => ({
        file: join(series.files[i] ?? ''),
        sopInstanceUid,
        sopClassUid: series.sopClassUid,
        transferSyntaxUid: '1.2.840.10008.1.2.1',
        sha256: sha256Of(sopInstanceUid),
        bytes: 1,
      })),
      variants: [],
      warnings: [],
    },
    task: {
      name: `${model}-${settingsSha256.slice(0, 8)}`,
      rule: 'test',
      slot: 1,
      model: { id: card.id, version: card.version, sha256: card.sha256, kind: card.kind },
      settings,
      settingsSha256,
      strength,
      lift: [],
      gate: { verdict: 'run', reasons: [], warnings: [] },
      deliver: ['pacs'],
      late: 'keep',
    },
    sources: series.files.map((file, i) => ({ file, sopInstanceUid: series.sopInstanceUids[i] ?? '' })),
    outDir,
    modelsDirectory: models,
    ownModelsDirectory: null,
    node: { stationName: 'LIMPID', deviceSerialNumber: 'test-node', qualification: 'RESEARCH' },
    startedAtMs: Date.UTC(2026, 2, 2, 10, 17),
  };
}
