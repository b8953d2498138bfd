/**
 * Slices a second of ct-low-dose by batch size, and their rate beside that of a matrix product on the same provider: the share of what
 * the device can do. `node build/bench/batches.js [provider] [most]`: without a provider the first of cuda and webgpu that works, else
 * the CPU, where a batch brings nothing. Time by the clock, the least of three runs.
 */
import { chooseProvider } from '../src/inference/provider.js';
import { openRegistry } from '../src/inference/registry.js';
import { openSession } from '../src/inference/session.js';
import type { Session } from '../src/inference/session.js';
import { modelsDirectory } from '../test/support/task-order.js';
import { ctLowDoseGflop, matrixProduct } from './onnx-graph.js';
import { report } from './report.js';
import type { Figure } from './report.js';

const side = 512;
const product = 4096;
const rounds = 3;
const [wanted, most = '8'] = process.argv.slice(2);
const provider = await chooseProvider(wanted === undefined ? ['cuda', 'webgpu', 'cpu'] : [wanted]);
const registry = await openRegistry(modelsDirectory);
const input = registry.get('ct-low-dose')?.input;
if (!input) throw new Error('no network ct-low-dose');

async function leastSeconds(session: Session, names: readonly [string, string], shape: readonly number[]) {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.02);
  await session.run(...names, values, shape); // lays out memory, compiles kernels
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    await session.run(...names, values, shape);
    least = Math.min(least, (performance.now() - start) / 1000);
  }
  return least;
}

const matrix = await openSession(matrixProduct(product), provider);
const rate = (2 * product ** 3) / 1e9 / (await leastSeconds(matrix, ['x', 'y'], [product, product]));
await matrix.close();
const session = await openSession(registry.file('ct-low-dose'), provider);
const figures: Figure[] = [];
for (let batch = 1; batch <= Number(most); batch *= 2) {
  const seconds = await leastSeconds(session, [input.input, input.output], [batch, 2, side, side]);
  const share = (batch * ctLowDoseGflop(side, side)) / seconds / rate;
  figures.push({ what: `batch of ${batch}`, value: batch / seconds, unit: 'slices/s' });
  figures.push({ what: `batch of ${batch}, share of the matrix product's rate`, value: share, unit: '' });
}
await session.close();
report('batches', [...figures, { what: `matrix product of ${product}`, value: rate, unit: 'GFLOP/s' }], { provider });
process.exit(0); // Dawn keeps threads
