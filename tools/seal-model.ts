// Seals a network's card: writes SHA-256 of model.onnx and the probe values into models/<id>/model.yaml, comments kept.
// node build/tools/seal-model.js models/ct-low-dose [models/mr-accelerated ...]
import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { modelSha256 } from '../src/inference/identity.js';
import { runProbe } from '../src/inference/probe.js';
import { openRegistry } from '../src/inference/registry.js';
import { openSession } from '../src/inference/session.js';

process.env['ORT_DISABLE_TELEMETRY'] = '1'; // as in src/main.ts

/** As the card has it, or 1 where it says nothing. */
function slicesOf(value: unknown): 1 | 3 {
  if (value === undefined || value === 1) return 1;
  if (value === 3) return 3;
  throw new Error('input.slices of the card is neither 1 nor 3');
}

async function seal(folder: string): Promise<void> {
  const cardFile = join(folder, 'model.yaml');
  const modelFile = join(folder, 'model.onnx');
  const document = parseDocument(await readFile(cardFile, 'utf8'));
  const [broken] = document.errors;
  if (broken !== undefined) throw new Error(`${cardFile} is no YAML: ${broken.message.split('\n', 1).join('')}`);
  const input = {
    input: String(document.getIn(['input', 'input'])),
    output: String(document.getIn(['input', 'output'])),
    multipleOf: Number(document.getIn(['input', 'multipleOf'])),
    slices: slicesOf(document.getIn(['input', 'slices'])),
  };
  if (!Number.isInteger(input.multipleOf) || input.multipleOf < 1) throw new Error('the card needs input.multipleOf');
  const session = await openSession(modelFile, 'cpu');
  const probe = await runProbe(session, input);
  await session.close();
  if (![probe.mean, probe.deviation, ...probe.row16].every(Number.isFinite)) {
    throw new Error('the model answers its probe with values that are no number, or with too few');
  }
  const rounded = (value: number): number => Number(value.toFixed(7));
  document.set('sha256', modelSha256(await readFile(modelFile)));
  if (!document.hasIn(['probe', 'mean'])) document.delete('probe'); // `probe: null` of a card that was never sealed
  document.setIn(['probe', 'mean'], rounded(probe.mean));
  document.setIn(['probe', 'deviation'], rounded(probe.deviation));
  probe.row16.forEach((value, i) => document.setIn(['probe', 'row16', i], rounded(value)));
  await writeFile(cardFile, document.toString({ lineWidth: 120 }));
  const registry = await openRegistry(dirname(resolve(folder)), { spoiled: 'listed' });
  const faults = await registry.verify(basename(resolve(folder)), 'cpu');
  if (faults.length > 0) throw new Error(faults.join('; '));
}

for (const folder of process.argv.slice(2)) {
  try {
    await seal(folder);
    console.log(`${folder}: sealed`);
  } catch (error) {
    console.error(`${folder}: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
