// Started by embedded.test.ts: holds the embedded queue of the directory given, adds a job for each name it is sent.
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { openQueue } from '../../src/queue/backend.js';
import { keyOf } from '../../src/spool/key.js';

const directory = process.argv[2] ?? '';
const queue = await openQueue({
  url: process.argv[3] ?? 'embedded',
  directory,
  log: openLog('silent'),
  metrics: openMetrics(),
  now: () => Date.now(),
});
process.on('message', (name: string) => {
  if (name === 'work') {
    queue.work('series', 1, () => new Promise(() => process.send?.('running')));
    return;
  }
  const key = keyOf('1.2.826.0.1.3680043.10.999', `1.2.826.0.1.3680043.10.999.${name}`);
  void queue
    .add('series', { data: { key, revision: 1 }, priority: 'routine', source: 'ct1' })
    .then((added) => process.send?.(added));
});
process.send?.('ready');
