// Time of a task over the model's own time: reading, decoding, measuring, deriving and writing should hide behind inference.
// node build/bench/enhance.js [slices] [threads]: prints JSON. The machine's other load falls on both figures.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDevice } from '../src/enhance/device.js';
import { openLog } from '../src/observe/log.js';
import { openMetrics } from '../src/observe/metrics.js';
import { writeSyntheticSeries } from '../test/support/synthetic-series.js';
import { orderFor, taskModule } from '../test/support/task-order.js';
import { report } from './report.js';

const [slices = 300, threads = 1] = process.argv.slice(2).map(Number);
const folder = await mkdtemp(join(tmpdir(), 'limpid-bench-'));
const device = openDevice({
  taskModule,
  providers: ['cpu'],
  threads,
  deadlineMs: 3_600_000,
  memoryBytes: 2 ** 32,
  log: openLog('warn'),
  metrics: openMetrics(),
});
try {
  const shape = { modality: 'CT', rows: 512, columns: 512, noise: 25, seed: 1 } as const;
  const warm = await writeSyntheticSeries(join(folder, 'warm'), { ...shape, slices: 2 });
  await device.run(await orderFor(warm, { model: 'ct-low-dose', strength: 0.47, outDir: join(folder, 'out-warm') }));
  const series = await writeSyntheticSeries(join(folder, 'series'), { ...shape, slices });
  const order = await orderFor(series, { model: 'ct-low-dose', strength: 0.47, outDir: join(folder, 'out') });
  const start = performance.now();
  const { outcome } = await device.run(order);
  const wallSeconds = (performance.now() - start) / 1000;
  const modelSeconds = outcome.modelSeconds ?? 0;
  report(
    'enhance',
    [
      {
        what: 'task over model time, in its own process',
        value: (wallSeconds * threads) / modelSeconds,
        unit: '',
        atMost: 1.1,
      },
      { what: 'task', value: wallSeconds, unit: 's' },
    ],
    { slices, threads, outcome: outcome.outcome, modelSeconds, strength: outcome.strength },
  );
} finally {
  await device.close();
  await rm(folder, { recursive: true });
}
