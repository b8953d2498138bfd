/**
 * Runs benches one after the other and prints their figures with the bars. `npm run bench -- [name...] [--keep]`; without a name all
 * of them. `--keep` writes what was measured to bench/baseline.json; otherwise each figure stands beside that file's.
 */
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { benchReport, holds } from './report.js';
import type { BenchReport } from './report.js';

const benches: Readonly<Record<string, string>> = {
  way: 'a series of 300 slices from its closing to the PACS; stalls of the event loop',
  models: "the networks on one core, beside the machine's own rate",
  enhance: 'a task against its model, in the child',
  batches: 'slices a second by batch size on a GPU, or the CPU',
  derive: 'building and writing derived objects; decoding beside DCMTK and GDCM',
  memory: 'peaks of receiver, worker and child',
  dimse: 'receiving and sending against DCMTK, Orthanc and bare Node',
  load: 'a receiver under load for long, and beside stalled peers',
  queue: 'from adding a job to its start',
};
const baselineFile = fileURLToPath(new URL('../../bench/baseline.json', import.meta.url));

async function runBench(name: string): Promise<BenchReport> {
  const file = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`bench ${name} ended with ${code}`);
  return benchReport.parse(JSON.parse(out.trimEnd().split('\n').at(-1) ?? ''));
}

async function baseline(): Promise<Record<string, BenchReport>> {
  return z.record(z.string(), benchReport).parse(JSON.parse(await readFile(baselineFile, 'utf8').catch(() => '{}')));
}

function table(run: BenchReport, before: BenchReport | undefined): string {
  const head = `${run.bench}: ${benches[run.bench] ?? ''}\n${run.cpu}, ${run.cores} cores, Node ${run.node}, load ${run.load.join(' to ')}`;
  const rows = run.figures.map((figure) => {
    const bar =
      figure.atMost === undefined
        ? figure.atLeast === undefined
          ? ''
          : `>= ${figure.atLeast}`
        : `<= ${figure.atMost}`;
    const verdict = { true: 'holds', false: 'FAILS', null: '' }[`${holds(figure)}`];
    const was = before?.figures.find(({ what }) => what === figure.what)?.value;
    const value = `${figure.value} ${figure.unit}`;
    return `  ${figure.what.padEnd(56)} ${value.padStart(12)}  ${bar.padEnd(9)} ${verdict?.padEnd(6)} ${was === undefined ? '' : `(${was})`}`;
  });
  return [head, ...rows].join('\n');
}

const args = process.argv.slice(2);
const named = args.filter((arg) => !arg.startsWith('--'));
const unknown = named.find((name) => !(name in benches));
if (unknown !== undefined || args.some((arg) => arg.startsWith('--') && arg !== '--keep')) {
  console.error(
    `benches:\n${Object.entries(benches)
      .map(([name, says]) => `  ${name.padEnd(8)} ${says}`)
      .join('\n')}`,
  );
  process.exit(2);
}
const kept = await baseline();
const runs: BenchReport[] = [];
for (const name of named.length > 0 ? named : Object.keys(benches)) {
  const run = await runBench(name);
  runs.push(run);
  console.log(`${table(run, kept[name])}\n`);
}
console.log(JSON.stringify(runs));
if (args.includes('--keep')) {
  const all = { ...kept, ...Object.fromEntries(runs.map((run) => [run.bench, run])) };
  await writeFile(baselineFile, `${JSON.stringify(all, null, 2)}\n`);
}
if (runs.some(({ figures }) => figures.some((figure) => holds(figure) === false))) process.exitCode = 1;
