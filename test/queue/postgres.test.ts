import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { openQueue } from '../../src/queue/backend.js';
import type { QueueBackend } from '../../src/queue/backend.js';
import { openClosers } from '../support/closers.js';
import { freePort } from '../support/free-port.js';
import { describeWithPeers, startPostgres } from '../support/peers.js';
import type { PostgresPeer } from '../support/peers.js';
import { queueConformance, seriesJob, until } from './conformance.js';

const open = (url: string, metrics = openMetrics()): Promise<QueueBackend> =>
  openQueue({ url, directory: '/nonexistent', log: openLog('silent'), metrics, now: () => Date.now() });

it('a Postgres that is not there is told with what to do', async () => {
  const port = await freePort();
  await expect(open(`postgres://127.0.0.1:${port}/limpid`)).rejects.toMatchObject({
    code: 'QUEUE_UNAVAILABLE',
    message: expect.stringContaining('ECONNREFUSED'),
  });
});

describeWithPeers(['initdb', 'postgres'], 'the queue on Postgres', () => {
  let postgres: PostgresPeer;
  let queue: QueueBackend;
  beforeAll(async () => {
    postgres = await startPostgres();
    queue = await open(postgres.url);
  }, 120_000);
  afterAll(async () => {
    await queue.close();
    await postgres.stop();
  });
  queueConformance(() => queue);

  it('runs each job once, whichever of two processes takes it', async () => {
    const other = await open(postgres.url);
    const ran: string[] = [];
    const consumers = [queue, other].map((one) =>
      one.work('series', 2, async ({ key }) => {
        ran.push(key);
        return 'done';
      }),
    );
    const jobs = Array.from({ length: 20 }, (_, index) => seriesJob(`shared-${index}`));
    for (const job of jobs) await other.add('series', job);
    await until(() => ran.length >= jobs.length);
    await until(async () => (await queue.counts()).series.active === 0);
    expect(ran.toSorted()).toEqual(jobs.map(({ data }) => data.key).toSorted());
    for (const consumer of consumers) await consumer.close();
    await other.close();
  });
});

describeWithPeers(['initdb', 'postgres'], 'a Postgres that goes away', () => {
  const closers = openClosers();
  it('says so, and goes on by itself with what it had when it is back', async () => {
    const postgres = await startPostgres();
    closers.push(() => postgres.stop());
    const metrics = openMetrics();
    const queue = await open(postgres.url, metrics);
    closers.push(() => queue.close());
    let lost = 0;
    queue.onLost(() => void lost++);
    const ran: string[] = [];
    queue.work('series', 1, async ({ key }) => {
      ran.push(key);
      return 'done';
    });
    await queue.add('series', seriesJob('before'));
    await until(() => ran.length === 1);
    await postgres.kill();
    expect(await queue.add('series', seriesJob('away'))).toBe(false);
    await expect(queue.counts()).rejects.toMatchObject({ code: 'QUEUE_UNAVAILABLE' });
    expect(await metrics.text()).toMatch(/limpid_failures_total\{code="QUEUE_UNAVAILABLE"\} [1-9]/);
    await postgres.start();
    await until(() => queue.add('series', seriesJob('after')));
    await until(() => ran.length === 2);
    expect(lost).toBe(0);
  }, 180_000);
});
