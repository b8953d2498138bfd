// Runs a batch of two small slices through a shipped network with one execution provider, and each alone on the CPU; prints the greatest
// difference over the card's scale. In a process of its own, whose environment names the Vulkan driver.
import { openNetwork } from '../../src/inference/network.js';
import { openRegistry } from '../../src/inference/registry.js';
import { uniform } from '../../src/imaging/random.js';
import { modelsDirectory } from './shipped-models.js';

const [id = '', provider = ''] = process.argv.slice(2);
const [rows, columns] = [32, 48];
const registry = await openRegistry(modelsDirectory);
const card = registry.get(id);
if (card === undefined || card.input === null) throw new Error(`no network ${id}`);
const batch = [1, 2].map((seed) => {
  const next = uniform(seed);
  const chance = (): Float32Array => Float32Array.from({ length: rows * columns }, () => 200 * next());
  const [values, before, after] = [chance(), chance(), chance()];
  return {
    neighbours: { before, after },
    slice: { rows, columns, values },
    noise: new Float32Array(rows * columns).fill(10 * seed),
  };
});
const network = await openNetwork(card, registry.file(id), provider);
const together = await network.residuals(batch);
const alone = await openNetwork(card, registry.file(id), 'cpu');
let apart = 0;
for (const [i, slice] of batch.entries()) {
  const [values] = await alone.residuals([slice]);
  for (const [at, value] of values!.entries()) apart = Math.max(apart, Math.abs(value - together[i]![at]!));
}
process.stdout.write(`${JSON.stringify(apart / card.input.scale)}\n`);
process.exit(0); // Dawn keeps threads
