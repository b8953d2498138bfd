/**
 * From a revision's closing to the last derived slice accepted by Orthanc, over the time that nothing can save: the model alone and
 * sending alone. Then the event loop's longest stall in the same node. `node build/bench/way.js [slices]`.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { eventually, quickConfig, startNode } from '../demo/start-node.js';
import { send } from '../src/io/dimse/scu.js';
import { readOutgoing } from '../src/io/dimse/outgoing.js';
import { readRecord } from '../src/spool/read-state.js';
import { decisionRecord, deliveryRecord, outcomeRecord, seriesRecord } from '../src/spool/records.js';
import { openLog } from '../src/observe/log.js';
import { startOrthanc } from '../test/support/peer-processes.js';
import type { OrthancPeer } from '../test/support/peer-processes.js';
import { writeSyntheticSeries } from '../test/support/synthetic-series.js';
import { report } from './report.js';

const [slices = 300] = process.argv.slice(2).map(Number);
const model = 'ct-low-dose';
const associations = 2;
const log = openLog('warn');

/** Runs a module of this bench in a process of its own. */
async function modelAlone(folder: string): Promise<number> {
  const file = fileURLToPath(new URL('./model-alone.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [file, folder, model]);
  return Number(stdout);
}

async function filesBelow(folder: string, wanted: (name: string) => boolean): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter(wanted).map((name) => join(folder, name));
}

/** Seconds of sending files to an Orthanc that has none of them. */
async function sendingAlone(files: readonly string[]): Promise<number> {
  const orthanc = await orthancFor();
  const target = { aeTitle: orthanc.aeTitle, host: '127.0.0.1', port: orthanc.dicomPort, callingAe: 'LIMPID' };
  const instances = await Promise.all(files.map((file) => readOutgoing(file)));
  const start = performance.now();
  const { outcomes } = await send(target, instances, { associations, log });
  const seconds = (performance.now() - start) / 1000;
  await orthanc.stop();
  if (outcomes.some(({ status }) => status !== 0)) throw new Error('a slice was not accepted');
  return seconds;
}

function orthancFor(): Promise<OrthancPeer> {
  return startOrthanc({ modalities: { LIMPID: { aeTitle: 'LIMPID', port: 11_112 } } });
}

interface Stall {
  readonly p999: number;
  readonly max: number;
}

/** Milliseconds since the scrape before. */
async function stalls(httpPort: number): Promise<Stall> {
  const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
  const of = (quantile: string): number =>
    1000 *
    Number(
      new RegExp(`^limpid_event_loop_delay_seconds\\{[^}]*quantile="${quantile}"[^}]*\\} (\\S+)`, 'm').exec(text)?.[1],
    );
  return { p999: of('0.999'), max: of('max') };
}

/** The longest stall after a moment, less what the thread waited for a core. */
async function longestOwn(file: string, afterMs: number): Promise<number> {
  const line = z.tuple([z.number(), z.number(), z.number()]);
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  const own = lines
    .map((text) => line.parse(JSON.parse(text)))
    .filter(([at]) => at > afterMs)
    .map(([, stall, waited]) => stall - waited);
  return Math.max(0, ...own);
}

interface Way {
  readonly seconds: number;
  readonly stage: Readonly<Record<'route' | 'waitForChild' | 'enhance' | 'modelInTask' | 'deliver', number>>;
  readonly stall: Stall;
  /** Longest stall less its wait for a core, ms. */
  readonly ownStall: number;
  readonly derived: string;
}

async function way(folder: string, files: readonly string[]): Promise<Way> {
  const orthanc = await orthancFor();
  const config = quickConfig({
    peers: {
      ct1: { aeTitle: 'CT1' },
      pacs: { aeTitle: orthanc.aeTitle, host: '127.0.0.1', port: orthanc.dicomPort, associations },
    },
    workers: { providers: ['cpu'], threads: 1 },
    rules: [{ name: 'ct', when: { Modality: 'CT' }, enhance: [{ with: model }], deliver: ['pacs'] }],
  });
  const watch = new URL('./stall-watch.js', import.meta.url);
  const stallFile = join(folder, 'stalls.jsonl');
  watch.searchParams.set('out', stallFile);
  const execArgv = ['--import', watch.href];
  const node = await startNode({ folder, config, execArgv });
  try {
    const target = { aeTitle: 'LIMPID', host: '127.0.0.1', port: node.dicomPort, callingAe: 'CT1' };
    const instances = await Promise.all(files.map((file) => readOutgoing(file)));
    await stalls(node.httpPort);
    const begun = Date.now();
    await send(target, instances, { associations: 1, log });
    const record = async <T>(name: RegExp, schema: z.ZodType<T>): Promise<T | null> => {
      const [file] = await filesBelow(join(node.spool, 'series'), (path) => name.test(path));
      return file === undefined ? null : readRecord(file, schema);
    };
    const delivery = await eventually(
      'the derived series in Orthanc',
      () => record(/\/deliveries\/[^/]+\/\d{3}-[^/]*\.json$/, deliveryRecord),
      600_000,
    );
    if (delivery.instances.length !== files.length || delivery.instances.some(({ status }) => status !== 0))
      throw new Error(`not all were accepted: ${node.log().slice(-2000)}`);
    const rest = await stalls(node.httpPort);
    const answer: unknown = await (await fetch(`${orthanc.url}/statistics`)).json();
    const held = z.object({ CountInstances: z.number() }).parse(answer).CountInstances;
    if (held !== files.length) throw new Error(`Orthanc holds ${held}`);
    const series = await record(/\/r1\/series\.json$/, seriesRecord);
    const decision = await record(/\/decision\.json$/, decisionRecord);
    const outcome = await record(/\/outcome\.json$/, outcomeRecord);
    if (series === null || decision === null || outcome === null) throw new Error('records are missing');
    const at = (text: string): number => Date.parse(text) / 1000;
    const [closed, decided, sent] = [at(series.closedAt), at(decision.decidedAt), at(delivery.at)];
    const [started, ended] = [at(outcome.startedAt), at(outcome.endedAt)];
    const [object] = await filesBelow(join(node.spool, 'series'), (path) => path.endsWith('/objects'));
    return {
      seconds: sent - closed,
      stage: {
        route: decided - closed,
        waitForChild: started - decided,
        enhance: ended - started,
        modelInTask: outcome.modelSeconds ?? Number.NaN,
        deliver: sent - ended,
      },
      stall: rest,
      ownStall: await longestOwn(stallFile, begun),
      derived: object ?? '',
    };
  } finally {
    await node.end('SIGTERM');
    await orthanc.stop();
  }
}

const folder = await mkdtemp(join(tmpdir(), 'limpid-way-'));
try {
  const shape = { modality: 'CT', rows: 512, columns: 512, noise: 25, seed: 1, slices } as const;
  const { files } = await writeSyntheticSeries(join(folder, 'series'), shape);
  const before = await modelAlone(join(folder, 'series'));
  const run = await way(join(folder, 'node'), files);
  const after = await modelAlone(join(folder, 'series'));
  const derived = await filesBelow(run.derived, (name) => name.endsWith('.dcm'));
  const sending = await sendingAlone(derived);
  const modelSeconds = (before + after) / 2;
  report(
    'way',
    [
      {
        what: 'closing to delivery, over model and sending alone',
        value: run.seconds / (modelSeconds + sending),
        unit: '',
        atMost: 1.15,
      },
      { what: 'event loop stall p99.9, receiving and enhancing', value: run.stall.p999, unit: 'ms', atMost: 50 },
      {
        what: "the same over the task's own model time and sending alone",
        value: run.seconds / (run.stage.modelInTask + sending),
        unit: '',
      },
      { what: 'event loop stall, longest, less waiting for a core', value: run.ownStall, unit: 'ms' },
      { what: 'event loop stall, longest', value: run.stall.max, unit: 'ms' },
      { what: 'closing to delivery', value: run.seconds, unit: 's' },
      { what: 'model alone', value: modelSeconds, unit: 's' },
      { what: 'sending alone', value: sending, unit: 's' },
    ],
    {
      slices,
      model,
      modelAloneBefore: before,
      modelAloneAfter: after,
      stage: run.stage,
    },
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
