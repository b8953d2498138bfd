// npm run demo: the main job from end to end on one machine. A node on the embedded queue, a small receiving PACS, a simulated
// low-dose CT series and a simulated accelerated MR series; the truth beside them says what enhancement brought.
import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MultiBar, Presets } from 'cli-progress';
import { table } from '../src/cli/output.js';
import { readOutgoing } from '../src/io/dimse/outgoing.js';
import { send } from '../src/io/dimse/scu.js';
import { openLog } from '../src/observe/log.js';
import { openMetrics } from '../src/observe/metrics.js';
import { compareSeries } from './compare.js';
import type { Comparison } from './compare.js';
import { openReceivingPacs } from './receiving-pacs.js';
import type { ReceivingPacs } from './receiving-pacs.js';
import { eventually, quickConfig, startNode } from './start-node.js';

const here = resolve(fileURLToPath(new URL('../../demo', import.meta.url)));
const out = join(here, 'out');
const series = [
  { name: 'low-dose CT', folder: 'ct-low-dose', model: 'ct-low-dose', modality: 'CT' },
  { name: 'accelerated MR', folder: 'mr-accelerated', model: 'mr-accelerated', modality: 'MR' },
] as const;
type DemoSeries = (typeof series)[number];

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const log = openLog('error');
const metrics = openMetrics();

function config(pacs: ReceivingPacs): object {
  return quickConfig({
    peers: {
      modality: { aeTitle: 'DEMO_MODALITY', from: ['127.0.0.1'] },
      pacs: { aeTitle: pacs.aeTitle, host: '127.0.0.1', port: pacs.port },
    },
    workers: { providers: ['cpu'] },
    rules: series.map(({ folder, model, modality }) => ({
      name: folder,
      when: { Modality: modality },
      enhance: [{ with: model }],
      forward: ['pacs'],
      deliver: ['pacs'],
    })),
    log: { level: 'warn' },
  });
}

async function inputsOf({ folder }: DemoSeries): Promise<string[]> {
  const input = join(here, 'series', folder, 'input');
  return (await readdir(input)).sort().map((name) => join(input, name));
}

/** Sends a series as a modality would, then waits until as many derived instances have reached the PACS. */
async function through(
  one: DemoSeries,
  dicomPort: number,
  pacs: ReceivingPacs,
  bars: MultiBar,
): Promise<{ seconds: number; derived: string[] }> {
  const files = await inputsOf(one);
  const instances = await Promise.all(files.map((file) => readOutgoing(file)));
  const bar = bars.create(files.length * 2, 0, { name: one.name.padEnd(16), step: 'sending' });
  bar.setTotal(files.length * 2); // without a terminal `create` leaves the total at 100
  const started = performance.now();
  const target = { aeTitle: 'LIMPID', host: '127.0.0.1', port: dicomPort, callingAe: 'DEMO_MODALITY' };
  const report = await send(target, instances, { associations: 1, log, onOutcome: () => bar.increment() });
  const refused = report.outcomes.filter((outcome) => outcome.class !== 'delivered');
  if (report.association !== null || refused.length > 0) {
    throw new Error(`the node did not take ${one.name}: ${report.association?.detail ?? refused[0]?.comment ?? ''}`);
  }
  const originals = new Set(instances.map(({ sopInstanceUid }) => sopInstanceUid));
  const study = await studyOf(files);
  const derived = await eventually(`${one.name} arrives enhanced`, async () => {
    const arrived = pacs.stored.filter(
      (instance) => instance.studyInstanceUid === study && !originals.has(instance.sopInstanceUid),
    );
    bar.update(files.length + arrived.length, { name: one.name.padEnd(16), step: 'enhancing' });
    return arrived.length === files.length ? arrived.map(({ file }) => file) : null;
  });
  bar.update(files.length * 2, { name: one.name.padEnd(16), step: 'done' });
  return { seconds: (performance.now() - started) / 1000, derived };
}

async function studyOf(files: readonly string[]): Promise<string> {
  const { readInstanceHeader } = await import('../src/dicom/file.js');
  const { text } = await import('../src/dicom/values.js');
  const first = files[0];
  if (first === undefined) throw new Error('the demo has no series');
  return text(readInstanceHeader(await readFile(first)).dataSet, 'StudyInstanceUID') ?? '';
}

async function main(): Promise<void> {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  say('limpid demo: a modality sends two series to a node, which sends them on to a PACS, enhanced.');
  say('Starting the node; the first start prepares its embedded queue, 5 to 12 seconds ...');
  const pacs = await openReceivingPacs({ folder: join(out, 'pacs'), port: 0, aeTitle: 'DEMO_PACS', log, metrics });
  const node = await startNode({ folder: join(out, 'node'), config: config(pacs) });
  try {
    say(
      `Node LIMPID on 127.0.0.1:${node.dicomPort}, pages and metrics on http://127.0.0.1:${node.httpPort}, PACS on port ${pacs.port}.`,
    );
    const bars = new MultiBar(
      { format: '{name} {bar} {step}', hideCursor: true, clearOnComplete: false, noTTYOutput: false },
      Presets.shades_classic,
    );
    const ways = await Promise.all(series.map((one) => through(one, node.dicomPort, pacs, bars)));
    bars.stop();
    const rows = await Promise.all(series.map(async (one, index) => row(one, ways[index])));
    say('');
    say(
      table(
        ['series', 'slices', 'time', 'PSNR before', 'after', 'SSIM before', 'after', 'before, after, difference'],
        rows,
      ),
    );
    say(
      '\nPSNR in dB and SSIM against the noise-free truth, mean over the slices. The time is from the first C-STORE to the last',
    );
    say(
      'derived instance in the PACS, with the wait for the end of the series. The phantoms are made by the same simulators that the',
    );
    say('networks were trained with: figures on real images stand in the model cards (models/*/MODEL.md).');
  } finally {
    await node.end('SIGTERM');
    await pacs.close();
  }
}

async function row(
  one: DemoSeries,
  way: { seconds: number; derived: string[] } | undefined,
): Promise<(string | number)[]> {
  if (way === undefined) throw new Error('a series went missing');
  const truth = join(here, 'series', one.folder, 'truth');
  const comparison: Comparison = await compareSeries({
    modality: one.modality,
    before: await inputsOf(one),
    after: way.derived,
    truth: (await readdir(truth)).sort().map((name) => join(truth, name)),
    panels: join(out, 'panels', one.folder),
  });
  return [
    one.name,
    comparison.slices,
    `${way.seconds.toFixed(1)} s`,
    comparison.before.psnr.toFixed(2),
    comparison.after.psnr.toFixed(2),
    comparison.before.ssim.toFixed(3),
    comparison.after.ssim.toFixed(3),
    relative(process.cwd(), comparison.panel),
  ];
}

await main();
