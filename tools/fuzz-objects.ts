/**
 * Damaged files through scanner, gate, decoder and derivation, as the roles run them.
 *
 * `node build/tools/fuzz-objects.js [--count 100000] [--from 1] [--memory 1500]` goes through the seeds from `--from` on, in children of 2000
 * seeds each, prints what became of them, and ends with 1 if an object crashed its child, threw something unforeseen, or took the
 * child above `--memory` MB. A finding names its seed: `--from SEED --count 1` makes it again.
 */
import { fork } from 'node:child_process';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { InstanceSummary } from '../src/derive/check-series.js';
import type { DerivationPlan } from '../src/derive/plan.js';
import type { FramePart } from '../src/derive/frame-part.js';
import type { SliceMethods } from '../src/enhance/methods.js';
import { openPool } from '../src/threads/pool.js';
import { mutated } from '../test/support/mutate.js';
import { wayOf } from '../test/support/object-way.js';
import { samples, wholeNumber } from './fuzz-options.js';
import type { WayOutcome } from '../test/support/object-way.js';

const deadlineMs = 20_000;
const seedsOfChild = 2000;
/** Large files say nothing that small ones do not, and take ten times as long: they are a tenth of all. */
const small = 40_000;
const largest = 600_000;

type News =
  | {
      readonly seed: number;
      readonly file: string;
      readonly outcome: WayOutcome;
      readonly ms: number;
      readonly rssMb: number;
    }
  | { readonly seed: number; readonly file: string; readonly thrown: string };

function files(): string[] {
  const all = readdirSync(samples, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.dcm') || /dicomdir\/.*\/\d+$/.test(name))
    .sort();
  const size = (name: string): number => statSync(join(samples, name)).size;
  const little = all.filter((name) => size(name) < small);
  const great = all.filter((name) => size(name) >= small && size(name) < largest);
  // As many entries of small files that a seed meets a large one in one of ten cases.
  const times = Math.max(1, Math.round((9 * great.length) / Math.max(1, little.length)));
  return [...great, ...Array.from({ length: times }, () => little).flat()];
}

async function childWork(from: number, count: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'limpid-fuzz-'));
  const slices = openPool<SliceMethods<DerivationPlan, FramePart, InstanceSummary>>(
    new URL('../src/task/slice-thread.js', import.meta.url),
    1,
  );
  const names = files();
  const tell = (news: News): Promise<void> => new Promise((resolve) => process.send?.(news, () => resolve()));
  const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(samples, name)));
  for (let seed = from; seed < from + count; seed++) {
    const { file, bytes } = mutated(seed, names, read);
    // Told before: a child that dies has said on which object.
    process.send?.({ begun: seed, file });
    const start = performance.now();
    try {
      const outcome = await wayOf(bytes, { slices, folder, deadlineMs });
      const rssMb = Math.round(process.memoryUsage.rss() / 1e6);
      await tell({ seed, file, outcome, ms: Math.round(performance.now() - start), rssMb });
    } catch (error) {
      await tell({ seed, file, thrown: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }
  await rm(folder, { recursive: true, force: true });
  process.disconnect();
}

const counts = new Map<string, number>();
const add = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1);
let [findings, slowest, peakMb, done] = [0, 0, 0, 0];
const found = (seed: number, file: string, what: string): void => {
  findings++;
  console.log(`FOUND seed ${seed} (${file}): ${what}`);
};

function take(news: News, memoryMb: number): void {
  done++;
  if ('thrown' in news) return found(news.seed, news.file, news.thrown);
  const { seed, file, outcome, ms, rssMb } = news;
  add(`scanner: ${outcome.scanner}`);
  for (const code of outcome.gate.split(' ')) add(`gate: ${code}`);
  add(`decoder: ${outcome.decoder}`);
  if (outcome.result !== null) add(`result: ${outcome.result}`);
  slowest = Math.max(slowest, ms);
  peakMb = Math.max(peakMb, rssMb);
  const all = JSON.stringify(outcome);
  if (all.includes('INTERNAL')) found(seed, file, all);
  if (all.includes('DEADLINE')) console.log(`slow: seed ${seed} (${file}) ended by its deadline of ${deadlineMs} ms`);
  if (rssMb > memoryMb) found(seed, file, `${rssMb} MB`);
}

/** Runs one child over its seeds. @returns the seed to go on with */
async function runChild(from: number, count: number, memoryMb: number): Promise<number> {
  const child = fork(fileURLToPath(import.meta.url), ['--child', `${from}`, `${count}`]);
  let last = { begun: from, file: '' };
  let next = from;
  child.on('message', (message: News | { begun: number; file: string }) => {
    if ('begun' in message) last = message;
    else {
      next = message.seed + 1;
      take(message, memoryMb);
    }
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.once('exit', (exit, by) => resolve([exit, by])),
  );
  if (next >= from + count) return next;
  done++;
  found(last.begun, last.file, `the child ended: ${signal ?? code}`);
  return last.begun + 1;
}

const { values, positionals } = parseArgs({
  options: {
    child: { type: 'boolean' },
    count: { type: 'string' },
    from: { type: 'string' },
    memory: { type: 'string' },
  },
  allowPositionals: true,
});
if (values.child === true) await childWork(Number(positionals[0]), Number(positionals[1]));
else {
  const from = wholeNumber('from', values.from, 1);
  const end = from + wholeNumber('count', values.count, 100_000);
  const memoryMb = wholeNumber('memory', values.memory, 1500);
  for (let seed = from; seed < end;) {
    seed = await runChild(seed, Math.min(seedsOfChild, end - seed), memoryMb);
    console.log(
      `${new Date().toISOString()} up to seed ${seed - 1}: ${findings} findings, slowest ${slowest} ms, peak ${peakMb} MB`,
    );
  }
  for (const [what, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`${String(count).padStart(8)}  ${what}`);
  console.log(`${done} objects, ${findings} findings, slowest ${slowest} ms, peak ${peakMb} MB`);
  process.exitCode = findings === 0 ? 0 : 1;
}
