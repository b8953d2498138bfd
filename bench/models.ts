/**
 * Speed of the shipped networks on one core beside the machine's own rate (a matrix product of 2048 in onnxruntime) and RED-CNN.
 * `node build/bench/models.js [rounds]`. Processor time of this process, the least of the rounds: other programs do not fall on it.
 */
import { spawn } from 'node:child_process';
import { planesOf } from '../src/inference/planes.js';
import { openRegistry } from '../src/inference/registry.js';
import { openSession } from '../src/inference/session.js';
import type { Session } from '../src/inference/session.js';
import { modelsDirectory } from '../test/support/task-order.js';
import { ctLowDoseGflop, matrixProduct, redCnn } from './onnx-graph.js';
import { programOf } from './processes.js';
import { median, report } from './report.js';

const [rounds = 9] = process.argv.slice(2).map(Number);
const product = 2048;
const registry = await openRegistry(modelsDirectory);

/** Processor time of one run, ms. */
async function runMs(session: Session, names: readonly [string, string], shape: readonly number[]): Promise<number> {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.02);
  const before = process.cpuUsage();
  await session.run(...names, values, shape);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

interface Runner {
  run(): Promise<number>;
  close(): Promise<void>;
}

async function modelRunner(id: string, rows: number, columns: number): Promise<Runner> {
  const input = registry.get(id)?.input;
  if (!input) throw new Error(`no network ${id}`);
  const session = await openSession(registry.file(id), 'cpu');
  return {
    run: () => runMs(session, [input.input, input.output], [1, planesOf(input), rows, columns]),
    close: () => session.close(),
  };
}

/** Times of each, ms; they take turns, so that what a busy machine does to one it does to all. */
async function timesOf(runners: readonly Runner[]): Promise<number[][]> {
  const times: number[][] = runners.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, runner] of runners.entries()) {
      const ms = await runner.run();
      if (round > 0) times[i]!.push(ms); // the first lays out memory
    }
  }
  for (const runner of runners) await runner.close();
  return times;
}

/** Frames a second of as many processes at once, each with a session of one thread, as the threads of a child have. */
async function framesPerSecond(id: string, rows: number, columns: number, threads: number): Promise<number> {
  const runs = Array.from({ length: threads }, async () => {
    const child = spawn(process.execPath, [programOf('frames'), id, String(rows), String(columns)]);
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    await new Promise((resolve) => child.once('close', resolve));
    return Number(out);
  });
  return (await Promise.all(runs)).reduce((a, b) => a + b, 0);
}

const gemm = await openSession(matrixProduct(product), 'cpu');
const times = await timesOf([
  { run: () => runMs(gemm, ['x', 'y'], [product, product]), close: () => gemm.close() },
  await modelRunner('ct-low-dose', 512, 512),
  await modelRunner('mr-accelerated', 256, 256),
  await modelRunner('us-despeckle', 480, 640),
  await modelRunner('ct-low-dose-fast', 512, 512),
]);
const [gemmMs = 0, ct = 0, mr = 0, us = 0, fast = 0] = times.map((of) => Math.min(...of));
const frames = await framesPerSecond('us-despeckle', 480, 640, 2);
const yardstick = await openSession(redCnn(), 'cpu');
const redMs = await runMs(yardstick, ['x', 'y'], [1, 2, 512, 512]);
await yardstick.close();

const gemmGflop = (2 * product ** 3) / 1e9;
const ctGflop = ctLowDoseGflop(512, 512);
/** Round by round: the two have run one after the other. */
const share = median(times[1]!.map((ms, round) => ctGflop / ms / (gemmGflop / times[0]![round]!)));
report(
  'models',
  [
    { what: 'ct-low-dose, 512 x 512', value: ct, unit: 'ms', atMost: 155 },
    { what: 'its rate over that of a matrix product', value: share, unit: '', atLeast: 1.2 },
    { what: 'ct-low-dose-fast, 512 x 512', value: fast, unit: 'ms', atMost: 65 },
    { what: 'mr-accelerated, 256 x 256', value: mr, unit: 'ms', atMost: 50 },
    { what: 'us-despeckle, 640 x 480, two threads', value: frames, unit: 'frames/s', atLeast: 30 },
    { what: 'RED-CNN over ct-low-dose, time', value: redMs / ct, unit: '', atLeast: 30 },
    { what: 'us-despeckle, 640 x 480, one thread', value: us, unit: 'ms' },
    { what: 'matrix product of 2048', value: (1000 * gemmGflop) / gemmMs, unit: 'GFLOP/s' },
    { what: 'ct-low-dose', value: (1000 * ctGflop) / ct, unit: 'GFLOP/s' },
  ],
  { rounds, gemmMs, redMs },
);
