/**
 * Latency from adding a job to its start, on the embedded queue and on Redis, with 10 ms between adds; then CPU of a process whose
 * workers wait. Prints JSON. `node build/bench/queue.js [embedded|redis|postgres://...]...`; Redis needs the redis-server package.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openLog } from '../src/observe/log.js';
import { openMetrics } from '../src/observe/metrics.js';
import { openQueue } from '../src/queue/backend.js';
import { queueNames } from '../src/queue/jobs.js';
import { keyOf } from '../src/spool/key.js';
import { freePort } from '../test/support/free-port.js';
import { report } from './report.js';

const jobs = 500;
const betweenMs = 10;
const idleMs = 15_000;

async function measure(url: string, directory: string): Promise<Record<string, number | string>> {
  const begun = performance.now();
  const options = { url, directory, log: openLog('silent'), metrics: openMetrics(), now: () => Date.now() };
  const queue = await openQueue(options);
  const openMs = performance.now() - begun;
  const addedAt = new Map<string, number>();
  const waits: number[] = [];
  for (const name of queueNames) {
    queue.work(name, 2, async (job) => {
      waits.push(performance.now() - (addedAt.get(job.key) ?? Number.NaN));
      return 'done';
    });
  }
  const first = { data: { key: keyOf('warm', 'up'), revision: 1 }, priority: 'routine', source: 'ct1' } as const;
  while (!(await queue.add('series', first))) await delay(100);
  while (waits.length === 0) await delay(10);
  waits.length = 0;
  for (let index = 0; index < jobs; index++) {
    const key = keyOf('1.2.826.0.1.3680043.10.999', `1.2.826.0.1.3680043.10.999.${index}`);
    addedAt.set(key, performance.now());
    await queue.add('series', { data: { key, revision: 1 }, priority: 'routine', source: 'ct1' });
    await delay(betweenMs);
  }
  while (waits.length < jobs) await delay(10);
  const before = process.cpuUsage();
  await delay(idleMs);
  const idle = process.cpuUsage(before);
  await queue.close();
  waits.sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((waits[Math.floor((waits.length - 1) * share)] ?? Number.NaN) * 10) / 10;
  return {
    kind: queue.kind,
    openMs: Math.round(openMs),
    jobs,
    addedToStartedMsP50: at(0.5),
    addedToStartedMsP95: at(0.95),
    addedToStartedMsMax: at(1),
    idleCpuPercentOfOneCore: Math.round(((idle.user + idle.system) / 1000 / idleMs) * 10_000) / 100,
    residentMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
  };
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : ['redis', 'embedded'];
const results: Record<string, number | string>[] = [];
for (const kind of wanted) {
  const directory = await mkdtemp(join(tmpdir(), 'limpid-bench-queue-'));
  if (kind === 'redis') {
    const port = await freePort();
    const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', directory, '--save', '', '--appendonly', 'yes'];
    const redis = spawn('redis-server', args, { stdio: 'ignore' });
    results.push(await measure(`redis://127.0.0.1:${port}`, directory));
    redis.kill();
  } else {
    results.push(await measure(kind, directory));
  }
  await rm(directory, { recursive: true, force: true });
}
report(
  'queue',
  results.map(({ kind, addedToStartedMsP95 }) => ({
    what: `added to started, p95, ${kind}`,
    value: Number(addedToStartedMsP95),
    unit: 'ms',
    atMost: 100,
  })),
  results,
);
