// Runs a shipped network's probe with one execution provider and prints what `verify` finds: in a process of its own, whose
// environment names the Vulkan driver.
import { openRegistry } from '../../src/inference/registry.js';
import { modelsDirectory } from './shipped-models.js';

const [id = '', provider = ''] = process.argv.slice(2);
const registry = await openRegistry(modelsDirectory);
process.stdout.write(`${JSON.stringify(await registry.verify(id, provider))}\n`);
process.exit(0); // Dawn keeps threads
