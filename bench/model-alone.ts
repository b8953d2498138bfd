// Pure model time: the slices of a folder through one session in one thread of this process, nothing else in it. Slices are read
// and measured between the runs, untimed. Run by bench/way.ts at the priority of a worker's child; prints seconds.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setPriority } from 'node:os';
import { readSlice } from '../src/enhance/read-slice.js';
import { measureSlice } from '../src/enhance/noise.js';
import { planesOf } from '../src/inference/planes.js';
import { fillInput } from '../src/inference/network.js';
import { openRegistry } from '../src/inference/registry.js';
import { openSession } from '../src/inference/session.js';
import { modelsDirectory } from '../test/support/task-order.js';

const [folder = '', model = 'ct-low-dose'] = process.argv.slice(2);
setPriority(10);
const registry = await openRegistry(modelsDirectory);
const card = registry.get(model);
if (card?.input === undefined || card.input === null) throw new Error(`no network ${model}`);
const { input } = card;
const planes = planesOf(input);
const session = await openSession(registry.file(model), 'cpu');
let seconds = 0;
let warm = false;
for (const name of (await readdir(folder)).sort()) {
  const slice = await readSlice(join(folder, name));
  const { rows, columns } = slice;
  const { map } = measureSlice('CT', rows, columns, slice.values, 20);
  const height = Math.ceil(rows / input.multipleOf) * input.multipleOf;
  const width = Math.ceil(columns / input.multipleOf) * input.multipleOf;
  const values = new Float32Array(planes * height * width);
  fillInput({ slice, noise: map }, input, height, width, values);
  if (!warm) await session.run(input.input, input.output, values, [1, planes, height, width]);
  warm = true;
  const start = performance.now();
  await session.run(input.input, input.output, values, [1, planes, height, width]);
  seconds += (performance.now() - start) / 1000;
}
await session.close();
console.log(seconds);
