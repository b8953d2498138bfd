import { afterAll, beforeAll, describe } from '@jest/globals';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { openQueue } from '../../src/queue/backend.js';
import type { QueueBackend } from '../../src/queue/backend.js';
import { queueConformance } from './conformance.js';

// A database that the tests may fill: LIMPID_TEST_POSTGRES=postgres://...
const url = process.env['LIMPID_TEST_POSTGRES'];
const suite = url === undefined ? describe.skip : describe;

suite(`the queue on Postgres${url === undefined ? ' (LIMPID_TEST_POSTGRES is not set)' : ''}`, () => {
  let queue: QueueBackend;
  beforeAll(async () => {
    queue = await openQueue({
      url: url ?? '',
      directory: '/nonexistent',
      log: openLog('silent'),
      metrics: openMetrics(),
      now: () => Date.now(),
    });
  });
  afterAll(() => queue.close());
  queueConformance(() => queue);
});
