/**
 * Fuzzing: what any peer may send (`dimse`), strange pixel data (`pixels`), and damaged files on their whole way (`objects`, see
 * fuzz-objects.ts).
 *
 * `npm run fuzz` runs all: a million cases of either, then 100,000 objects. `npm run fuzz -- dimse --count 5000 --seed 7`, or
 * `npm run fuzz -- objects --count 1000 --from 1`. A finding of `dimse` and `pixels` names its seed and path; it ends with 1 where there is one.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { fuzzFiles, fuzzTargets } from '../test/support/fuzz-dimse.js';
import { fuzzPixels } from '../test/support/fuzz-pixels.js';
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
if (!['all', 'dimse', 'pixels', 'objects'].includes(which))
  wrongUsage(`there is no fuzzing of ${which}: dimse, pixels or objects`);

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

/** Beyond the program and its decoders. */
const mostMb = 500;

/** @returns whether every case ended soon, as an image or a refusal, in no more memory */
async function fuzzPixelData(count: number, seed: number): Promise<boolean> {
  const outcomes = { image: 0, refused: 0 };
  let peak = 0;
  const property = await fuzzPixels((outcome) => {
    outcomes[outcome]++;
    if (outcomes[outcome] % 100 === 0) peak = Math.max(peak, process.memoryUsage.rss());
  });
  const before = process.memoryUsage.rss();
  const result = await fc.check(property, { numRuns: count, seed, includeErrorInReport: true });
  const mb = Math.round(Math.max(0, peak - before) / 1e6);
  const isSound = !result.failed && mb <= mostMb;
  const words = `${outcomes.image} images, ${outcomes.refused} refused, ${mb} MB more`;
  console.log(`${isSound ? 'held ' : 'FOUND'} ${result.numRuns} cases of pixel data: ${words}`);
  if (result.failed) console.log(fc.defaultReportMessage(result));
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
const isAsked = (target: string): boolean => which === 'all' || which === target;
const dimse = !isAsked('dimse') || (await fuzzDimse(count, seed));
const pixels = !isAsked('pixels') || (await fuzzPixelData(count, seed));
const objects = !isAsked('objects') || (await fuzzObjects());
process.exitCode = dimse && pixels && objects ? 0 : 1;
