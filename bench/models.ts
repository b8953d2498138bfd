/**
 * Speed of the shipped networks on one core beside the machine's own rate (a matrix product of 2048 in onnxruntime) and RED-CNN.
 * `node build/bench/models.js [rounds]`. Processor time of this process, the least of the rounds: other programs do not fall on it.
 */
import { spawn } from 'node:child_process';
import { openRegistry } from '../src/inference/registry.js';
import { openSession } from '../src/inference/session.js';
import type { Session } from '../src/inference/session.js';
import { modelsDirectory } from '../test/support/task-order.js';
import { ffdrGflop, matrixProduct, redCnn } from './onnx-graph.js';
import { programOf } from './processes.js';
import { report } from './report.js';

const [rounds = 9] = process.argv.slice(2).map(Number);
const product = 2048;
const registry = await openRegistry(modelsDirectory);

/** Least processor time of a run, ms. */
async function leastMs(session: Session, names: readonly [string, string], shape: readonly number[], times: number) {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.02);
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i <= times; i++) {
    const before = process.cpuUsage();
    await session.run(...names, values, shape);
    const { user, system } = process.cpuUsage(before);
    if (i > 0 || times === 0) least = Math.min(least, (user + system) / 1000); // the first run lays out memory
  }
  return least;
}

async function modelMs(id: string, rows: number, columns: number): Promise<number> {
  const input = registry.get(id)?.input;
  if (!input) throw new Error(`no network ${id}`);
  const session = await openSession(registry.file(id), 'cpu');
  const least = await leastMs(session, [input.input, input.output], [1, 2, rows, columns], rounds);
  await session.close();
  return least;
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
const gemmMs = await leastMs(gemm, ['x', 'y'], [product, product], rounds);
await gemm.close();
const ct = await modelMs('ct-low-dose', 512, 512);
const mr = await modelMs('mr-accelerated', 256, 256);
const us = await modelMs('us-despeckle', 480, 640);
const frames = await framesPerSecond('us-despeckle', 480, 640, 2);
const yardstick = await openSession(redCnn(), 'cpu');
const redMs = await leastMs(yardstick, ['x', 'y'], [1, 2, 512, 512], 0);
await yardstick.close();

const gemmRate = (2 * product ** 3) / 1e6 / gemmMs;
const ctRate = ffdrGflop(48, 10, 512, 512) / (ct / 1000);
report(
  'models',
  [
    { what: 'ct-low-dose, 512 x 512', value: ct, unit: 'ms', atMost: 155 },
    { what: 'its rate over that of a matrix product', value: ctRate / gemmRate, unit: '', atLeast: 1.2 },
    { what: 'mr-accelerated, 256 x 256', value: mr, unit: 'ms', atMost: 50 },
    { what: 'us-despeckle, 640 x 480, two threads', value: frames, unit: 'frames/s', atLeast: 30 },
    { what: 'RED-CNN over ct-low-dose, time', value: redMs / ct, unit: '', atLeast: 30 },
    { what: 'us-despeckle, 640 x 480, one thread', value: us, unit: 'ms' },
    { what: 'matrix product of 2048', value: gemmRate, unit: 'GFLOP/s' },
    { what: 'ct-low-dose', value: ctRate, unit: 'GFLOP/s' },
  ],
  { rounds, gemmMs, redMs },
);
