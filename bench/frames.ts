// Frames a second of one network in one session of one thread, over three seconds by the clock: by this process's time, so that a wait
// for a core does not count. Run by bench/models.ts, as many at once as there are threads.
import { planesOf } from '../src/inference/planes.js';
import { openRegistry } from '../src/inference/registry.js';
import { openSession } from '../src/inference/session.js';
import { modelsDirectory } from '../test/support/task-order.js';

const [id = '', ...sizes] = process.argv.slice(2);
const [rows = 0, columns = 0] = sizes.map(Number);
const registry = await openRegistry(modelsDirectory);
const input = registry.get(id)?.input;
if (!input) throw new Error(`no network ${id}`);
const session = await openSession(registry.file(id), 'cpu');
const planes = planesOf(input);
const values = new Float32Array(planes * rows * columns).fill(0.02);
const run = (): Promise<Float32Array> => session.run(input.input, input.output, values, [1, planes, rows, columns]);
await run();
const start = performance.now();
const before = process.cpuUsage();
let frames = 0;
while (performance.now() - start < 3000) {
  await run();
  frames += 1;
}
const { user, system } = process.cpuUsage(before);
console.log((1e6 * frames) / (user + system));
await session.close();
