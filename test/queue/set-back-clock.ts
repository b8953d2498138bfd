// Started by conformance.ts: a process whose wall clock is set back while a job is delayed; tells when the job runs again.
import { setTimeout as sleep } from 'node:timers/promises';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { openQueue } from '../../src/queue/backend.js';
import { keyOf } from '../../src/spool/key.js';

const right = Date.now;
Date.now = () => right() + 10_800_000;
const [, , directory = '', url = 'embedded'] = process.argv;
const queue = await openQueue({
  url,
  directory,
  log: openLog('silent'),
  metrics: openMetrics(),
  now: () => Date.now(),
});
let runs = 0;
queue.work('series', 1, async () => {
  runs += 1;
  if (runs === 1) return { retryAtMs: Date.now() + 60_000 };
  process.send?.('runs again');
  return 'done';
});
const key = keyOf('1.2.826.0.1.3680043.10.999', '1.2.826.0.1.3680043.10.999.clock');
while (!(await queue.add('series', { data: { key, revision: 1 }, priority: 'routine', source: 'ct1' })))
  await sleep(100);
while ((await queue.counts()).series.delayed === 0) await sleep(20);
Date.now = right;
