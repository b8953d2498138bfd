/**
 * Fuzzing: what any peer may send (`dimse`), and damaged files on their whole way (`objects`, see fuzz-objects.ts).
 *
 * `npm run fuzz` runs both: a million cases, then 100,000 objects. `npm run fuzz -- dimse --count 5000 --seed 7`, or
 * `npm run fuzz -- objects --count 1000 --from 1`. A finding of `dimse` names its seed and path; it ends with 1 where there is one.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { fuzzFiles, fuzzTargets } from '../test/support/fuzz-dimse.js';
import { spoiltSamples } from '../test/support/spoilt-samples.js';
import { samples, wholeNumber, wrongUsage } from './fuzz-options.js';

const { values, positionals } = parseArgs({
  options: {
    count: { type: 'string' },
    seed: { type: 'string' },
    from: { type: 'string' },
    memory: { type: 'string' },
  },
  allowPositionals: true,
});
const which = positionals[0] ?? 'all';
if (!['all', 'dimse', 'objects'].includes(which)) wrongUsage(`there is no fuzzing of ${which}: dimse or objects`);

/** @returns whether every property held */
async function fuzzDimse(count: number, seed: number): Promise<boolean> {
  const walk = { share: 0.05, property: fuzzFiles(spoiltSamples(samples)) };
  const ofFiles = 'the walk over files, spoilt, says the same however they are split';
  const targets = [...Object.entries(fuzzTargets), [ofFiles, walk] as const];
  let isSound = true;
  for (const [name, { share, property }] of targets) {
    const numRuns = Math.ceil(count * share);
    const started = performance.now();
    // what failed is told; the rest goes on
    const result = await fc.check(property, { numRuns, seed });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${result.failed ? 'FOUND' : 'held '} ${result.numRuns} cases in ${seconds} s: ${name}`);
    if (result.failed) console.log(fc.defaultReportMessage(result));
    isSound = isSound && !result.failed;
  }
  return isSound;
}

async function fuzzObjects(): Promise<boolean> {
  const options = (['count', 'from', 'memory'] as const).flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [`--${name}`, value];
  });
  const tool = fileURLToPath(new URL('./fuzz-objects.js', import.meta.url));
  const child = spawn(process.execPath, [tool, ...options], { stdio: 'inherit' });
  return (await new Promise<number | null>((resolve) => child.once('exit', resolve))) === 0;
}

const seed = wholeNumber('seed', values.seed, 1 + (Date.now() % 0x7ffffffe));
const count = wholeNumber('count', values.count, 1_000_000);
const dimse = which === 'objects' || (await fuzzDimse(count, seed));
const objects = which === 'dimse' || (await fuzzObjects());
process.exitCode = dimse && objects ? 0 : 1;
