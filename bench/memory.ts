/**
 * Peak memory of a receiver process while 3,000 slices arrive over four associations, and of a worker process with its child for a
 * series of 1,000 slices (a filter) and one of 200 (the network), over Redis. `node build/bench/memory.js`. Linux only.
 */
import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, quickConfig, startNode } from '../demo/start-node.js';
import { send } from '../src/io/dimse/scu.js';
import { openLog } from '../src/observe/log.js';
import { readRecord } from '../src/spool/read-state.js';
import { outcomeRecord } from '../src/spool/records.js';
import { startRedis } from '../test/support/peer-processes.js';
import { PassingCopies, templateOf } from './copies.js';
import type { Template } from './copies.js';
import { peakOf } from './processes.js';
import { report } from './report.js';

const log = openLog('warn');
const [long = 1000, short = 200] = process.argv.slice(2).map(Number);

async function childrenOf(pid: number): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const status = await readFile(`/proc/${name}/status`, 'utf8').catch(() => '');
    if (Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]) === pid) found.push(Number(name));
  }
  return found;
}

/** Runs a worker until a task has ended; the sum of both peaks is never below the peak of the sum. */
async function workerPeak(
  folder: string,
  config: object,
  name: string,
  done: number,
): Promise<Record<string, number | string>> {
  const worker = await startNode({ folder, config, roles: 'worker', name });
  const started = performance.now();
  try {
    const [child] = await eventually('a worker child', async () => {
      const pids = await childrenOf(worker.pid);
      return pids.length > 0 && pids;
    });
    const outcomes = await eventually(
      'the outcome',
      async () => {
        const names = await readdir(join(worker.spool, 'series'), { recursive: true });
        const ended = names.filter((file) => file.endsWith('outcome.json'));
        return ended.length > done && ended;
      },
      600_000,
    );
    const records = await Promise.all(
      outcomes.map(async (file) => readRecord(join(worker.spool, 'series', file), outcomeRecord)),
    );
    const [workerMb, childMb] = [await peakOf(worker.pid), await peakOf(child ?? 0)];
    return {
      workerMb,
      childMb,
      seconds: (performance.now() - started) / 1000,
      outcomes: records.map((record) => `${record?.outcome} ${record?.instances.length}`).join(', '),
    };
  } finally {
    await worker.end('SIGTERM');
  }
}

const folder = await mkdtemp(join(tmpdir(), 'limpid-memory-'));
const redis = await startRedis();
const configWith = (rules: readonly object[]): Record<string, unknown> =>
  quickConfig({
    queue: redis.url,
    peers: { ct1: { aeTitle: 'CT1' }, pacs: { aeTitle: 'PACS', host: '127.0.0.1', port: 1 } },
    workers: { providers: ['cpu'], threads: 1 },
    rules,
  });
const rules = [
  { name: 'filter', when: { SeriesDescription: 'filter' }, enhance: [{ with: 'gaussian' }], deliver: ['pacs'] },
  { name: 'network', when: { SeriesDescription: 'network' }, enhance: [{ with: 'ct-low-dose' }], deliver: ['pacs'] },
];
try {
  const config = configWith(rules);
  const node = join(folder, 'node');
  const receiver = await startNode({ folder: node, config, roles: 'receiver,admin', name: 'receiver.yaml' });
  const idle = await peakOf(receiver.pid);
  const passing = join(folder, 'passing');
  await mkdir(passing);
  const transfer = async (templates: readonly Template[], count: number): Promise<void> => {
    const copies = new PassingCopies(passing, templates, count, 100);
    const files = new Map(copies.outgoing.map(({ sopInstanceUid, file }) => [sopInstanceUid, file]));
    const target = { aeTitle: 'LIMPID', host: '127.0.0.1', port: receiver.dicomPort, callingAe: 'CT1' };
    const { outcomes } = await send(target, copies.outgoing, {
      associations: 4,
      log,
      onOutcome: ({ sopInstanceUid }) => {
        copies.writeNext();
        void rm(files.get(sopInstanceUid) ?? '', { force: true });
      },
    });
    const refused = outcomes.filter(({ status }) => status !== 0);
    if (refused.length > 0) throw new Error(`${refused.length} instances were refused: ${receiver.log().slice(-1000)}`);
  };
  const closed = (count: number): Promise<unknown> =>
    eventually('the revisions', async () => {
      const names = await readdir(join(receiver.spool, 'series'), { recursive: true });
      return names.filter((name) => name.endsWith('series.json')).length === count;
    });
  const start = performance.now();
  const series = await Promise.all(
    ['filter', 'other', 'other'].map((description, index) =>
      templateOf(join(folder, `t${index}`), index + 1, description),
    ),
  );
  await transfer(series, long);
  const receiving = (performance.now() - start) / 1000;
  await closed(3);
  const receiverMb = await peakOf(receiver.pid);
  const filter = await workerPeak(node, config, 'worker-1.yaml', 0);
  await transfer([await templateOf(join(folder, 't3'), 4, 'network')], short);
  await closed(4);
  const network = await workerPeak(node, config, 'worker-2.yaml', 1);
  await receiver.end('SIGTERM');
  const sum = ({ workerMb, childMb }: Record<string, number | string>): number => Number(workerMb) + Number(childMb);
  report(
    'memory',
    [
      { what: `receiver, ${3 * long} slices over 4 associations`, value: receiverMb, unit: 'MB', atMost: 200 },
      { what: `worker and child, ${long} slices, gaussian`, value: sum(filter), unit: 'MB', atMost: 1500 },
      { what: `worker and child, ${short} slices, ct-low-dose`, value: sum(network), unit: 'MB', atMost: 1500 },
      {
        what: `its child alone, ${short} slices, ct-low-dose`,
        value: Number(network['childMb']),
        unit: 'MB',
        atMost: 400,
      },
      { what: 'receiver before the first slice', value: idle, unit: 'MB' },
    ],
    { receivingSeconds: receiving, filter, network },
  );
} finally {
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}
