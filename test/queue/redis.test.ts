import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { openQueue } from '../../src/queue/backend.js';
import type { QueueBackend } from '../../src/queue/backend.js';
import { describeWithPeers, startRedis } from '../support/peers.js';
import type { RedisPeer } from '../support/peers.js';
import { startRedisName } from '../support/redis-name.js';
import { idOf, queueConformance, runsAfterSetBack, seriesJob, until } from './conformance.js';

const open = (url: string): Promise<QueueBackend> =>
  openQueue({ url, directory: '/nonexistent', log: openLog('silent'), metrics: openMetrics(), now: () => Date.now() });

/** Takes jobs, one at once, and writes down which. */
const work = (queue: QueueBackend, ran: string[], run: () => Promise<void>) =>
  queue.work('series', 1, async ({ key }) => {
    ran.push(key);
    await run();
    return 'done';
  });

describeWithPeers(['redis-server'], 'the queue on Redis', () => {
  let redis: RedisPeer;
  let queue: QueueBackend;
  beforeAll(async () => {
    redis = await startRedis({ args: ['--maxmemory-policy', 'noeviction'] });
    queue = await open(redis.url);
  });
  afterAll(async () => {
    await queue.close();
    await redis.stop();
  });
  queueConformance(() => queue);

  it('does not let a delayed job wait for a clock that was set back to stand again where it stood', async () => {
    const own = await startRedis({ args: ['--maxmemory-policy', 'noeviction'] });
    try {
      await runsAfterSetBack('/nonexistent', own.url);
      expect(own.url).toMatch(/^redis:/);
    } finally {
      await own.stop();
    }
  });

  it('shares fairly also when another process runs the jobs', async () => {
    const worker = await open(redis.url);
    const sources: string[] = [];
    const names = new Map<string, string>();
    const consumer = worker.work('series', 1, async (job) => {
      sources.push(names.get(job.key) ?? '?');
      return 'done';
    });
    // All of the busy source's jobs have run: it starts from the front again.
    for (let index = 0; index < 5; index++) {
      const job = seriesJob(`busy-${index}`, 'busy');
      names.set(job.data.key, 'busy');
      await queue.add('series', job);
    }
    await until(() => sources.length === 5);
    await consumer.close();
    await until(async () => (await queue.counts()).series.active === 0);
    sources.length = 0;
    for (const [name, source] of [
      ['a', 'calm'],
      ['b', 'busy'],
      ['c', 'busy'],
      ['d', 'calm'],
    ] as const) {
      const job = seriesJob(`share-${name}`, source);
      names.set(job.data.key, source);
      await queue.add('series', job);
    }
    worker.work('series', 1, async (job) => {
      sources.push(names.get(job.key) ?? '?');
      return 'done';
    });
    await until(() => sources.length === 4);
    expect(sources).toEqual(['calm', 'busy', 'busy', 'calm']);
    await worker.close();
  });

  it.each(['one that starts', 'one that goes on'])(
    'what a killed process of this machine was running is run again by %s, long before its lock ends; what runs is left alone',
    async (who) => {
      const runs: string[] = [];
      const hold = { release: (): void => undefined };
      const held = new Promise<void>((resolve) => (hold.release = resolve));
      const running = work(queue, runs, () => held);
      await queue.add('series', seriesJob('alive'));
      await until(() => runs.length === 1);
      const args = ['/nonexistent', redis.url];
      const child = fork(new URL('./queue-holder.js', import.meta.url), args, { execArgv: [] });
      await once(child, 'message');
      child.send('orphan');
      await once(child, 'message');
      child.send('work');
      await once(child, 'message');
      const other = who === 'one that goes on' ? await open(redis.url) : null;
      child.kill('SIGKILL');
      await once(child, 'exit');
      const started = performance.now();
      const taker = other ?? (await open(redis.url));
      const taken: string[] = [];
      work(taker, taken, () => Promise.resolve());
      await until(() => taken.length === 1);
      expect(performance.now() - started).toBeLessThan(25_000);
      expect(taken).toEqual([seriesJob('orphan').data.key]);
      hold.release();
      await running.close();
      await taker.close();
      expect(runs).toEqual([seriesJob('alive').data.key]);
    },
  );

  it('keeps all its keys in one slot of a cluster', async () => {
    await queue.add('series', seriesJob('slot'));
    const client = new Redis(redis.url);
    const keys = await client.keys('*');
    client.disconnect();
    expect(keys.length).toBeGreaterThan(2);
    expect(keys.filter((key) => !key.startsWith('{limpid}:'))).toEqual([]);
    await queue.remove('series', idOf(seriesJob('slot')));
  });
});

describeWithPeers(['redis-server'], 'a Redis that fails', () => {
  it('FLUSHALL is noticed, and workers go on', async () => {
    const redis = await startRedis();
    const queue = await open(redis.url);
    let lost = 0;
    queue.onLost(() => void lost++);
    await queue.add('series', seriesJob('flushed'));
    const client = new Redis(redis.url);
    await client.flushall();
    client.disconnect();
    await until(() => lost === 1);
    expect(await queue.has('series', idOf(seriesJob('flushed')))).toBe(false);
    const ran: string[] = [];
    queue.work('series', 1, async (job) => {
      ran.push(job.key);
      return 'done';
    });
    expect(await queue.add('series', seriesJob('flushed'))).toBe(true);
    await until(() => ran.length === 1);
    await queue.close();
    await redis.stop();
  });

  it('an add answers false within its deadline while Redis is away; a Redis that comes back empty is noticed at once', async () => {
    const redis = await startRedis();
    const metrics = openMetrics();
    const queue = await openQueue({
      url: redis.url,
      directory: '/nonexistent',
      log: openLog('silent'),
      metrics,
      now: () => Date.now(),
    });
    let lost = 0;
    queue.onLost(() => void lost++);
    const ran: string[] = [];
    queue.work('series', 2, async (job) => {
      ran.push(job.key);
      return 'done';
    });
    await queue.add('series', seriesJob('before'));
    await until(() => ran.length === 1);
    await redis.stop();
    for (let attempt = 0; attempt < 3; attempt++) {
      const start = performance.now();
      expect(await queue.add('series', seriesJob(`away-${attempt}`))).toBe(false);
      expect(performance.now() - start).toBeLessThan(20_000);
    }
    await expect(queue.counts()).rejects.toMatchObject({ code: 'QUEUE_UNAVAILABLE' });
    expect(await metrics.text()).toMatch(/limpid_failures_total\{code="QUEUE_UNAVAILABLE"\} [1-9]/);
    const again = await startRedis({ port: redis.port });
    await until(() => lost === 1);
    expect(await queue.add('series', seriesJob('after'))).toBe(true);
    await until(() => ran.length === 2);
    await queue.close();
    await again.stop();
  });

  it('that is full, or a replica, answers and takes no jobs: that is told, and one that is there counts no fault at start', async () => {
    const redis = await startRedis();
    const metrics = openMetrics();
    const log = openLog('silent');
    const queue = await openQueue({ url: redis.url, directory: '/nonexistent', log, metrics, now: Date.now });
    expect(await metrics.text()).not.toMatch(/QUEUE_UNAVAILABLE"\} [1-9]/);
    await expect(queue.probe()).resolves.toBeUndefined();
    const client = new Redis(redis.url);
    await client.config('SET', 'maxmemory', '1mb');
    await expect(queue.probe()).rejects.toMatchObject({
      code: 'QUEUE_UNAVAILABLE',
      cause: { message: expect.stringMatching(/OOM/) },
    });
    await expect(queue.counts()).resolves.toMatchObject({ series: { waiting: 0 } });
    await client.config('SET', 'maxmemory', '0');
    await expect(queue.probe()).resolves.toBeUndefined();
    client.disconnect();
    await queue.close();
    await redis.stop();
  });

  it('that is full for longer than a lock lasts, or let one run out: a running job goes on, once, and is over when it ends', async () => {
    const redis = await startRedis();
    const queues = [await open(redis.url), await open(redis.url)];
    const client = new Redis(redis.url);
    const began: string[] = [];
    let signal: AbortSignal | null = null;
    const hold = { release: (): void => undefined };
    const held = new Promise<void>((resolve) => (hold.release = resolve));
    for (const queue of queues) {
      queue.work('series', 1, async (job, control) => {
        began.push(job.key);
        signal = control.signal;
        await held;
        return 'done';
      });
    }
    const job = seriesJob('long');
    const lock = `{limpid}:series:${idOf(job)}:lock`;
    await queues[0]?.add('series', job);
    await until(() => began.length === 1);
    await client.config('SET', 'maxmemory', '1mb');
    await delay(32_000);
    expect(await client.exists(lock)).toBe(1);
    // What a Redis does that took no writes at all meanwhile: the lock has run out by then.
    await client.config('SET', 'maxmemory', '0');
    await client.del(lock);
    await until(async () => (await client.exists(lock)) === 1);
    expect(signal).toMatchObject({ aborted: false });
    hold.release();
    await until(async () => (await client.exists(`{limpid}:series:${idOf(job)}`)) === 0);
    expect(began).toHaveLength(1);
    client.disconnect();
    for (const queue of queues) await queue.close();
    await redis.stop();
  }, 120_000);

  it('that may throw jobs away once it is full says so; one that cannot does not', async () => {
    const own = await startRedis();
    const queue = await open(own.url);
    const client = new Redis(own.url);
    try {
      for (const policy of ['noeviction', 'allkeys-lru', 'volatile-ttl']) {
        await client.config('SET', 'maxmemory-policy', policy);
        await client.config('SET', 'maxmemory', '0');
        expect(await queue.notice()).toBeNull();
        await client.config('SET', 'maxmemory', '100mb');
        if (policy === 'noeviction') expect(await queue.notice()).toBeNull();
        else expect(await queue.notice()).toContain(`(maxmemory-policy ${policy}): set maxmemory-policy noeviction`);
      }
    } finally {
      client.disconnect();
      await queue.close();
      await own.stop();
    }
  });

  it('FLUSHALL is noticed by every process, whichever is the first to look', async () => {
    const redis = await startRedis();
    const lost = [0, 0];
    const queues = [await open(redis.url), await open(redis.url)];
    for (const [index, queue] of queues.entries()) queue.onLost(() => void (lost[index] = (lost[index] ?? 0) + 1));
    const client = new Redis(redis.url);
    await client.flushall();
    client.disconnect();
    for (const queue of queues) await queue.probe();
    expect(lost).toEqual([1, 1]);
    for (const queue of queues) await queue.close();
    await redis.stop();
  });

  it('is followed to the master that a failover has made of its replica, by who adds and by who works', async () => {
    const [first, second] = [await startRedis(), await startRedis()];
    const [old, promoted] = [new Redis(first.url), new Redis(second.url)];
    let master = first.port;
    const name = await startRedisName(() => master);
    const queue = await open(name.url);
    const ran: string[] = [];
    work(queue, ran, () => Promise.resolve());
    await queue.add('series', seriesJob('before-failover'));
    await until(() => ran.length === 1);
    await old.replicaof('127.0.0.1', second.port);
    master = second.port;
    await until(() => queue.add('series', seriesJob('after-failover')));
    await until(() => ran.length === 2);
    expect(await promoted.exists('{limpid}:marker')).toBe(1);
    await queue.close();
    old.disconnect();
    promoted.disconnect();
    name.close();
    await first.stop();
    await second.stop();
  });

  it('that throws lists of the queue away: a job that stood in one runs once it is added anew, and that is told', async () => {
    const redis = await startRedis();
    const metrics = openMetrics();
    const log = openLog('silent');
    const queue = await openQueue({ url: redis.url, directory: '/nonexistent', log, metrics, now: Date.now });
    await queue.add('series', seriesJob('stray'));
    const client = new Redis(redis.url);
    expect(await client.del('{limpid}:series:prioritized')).toBe(1);
    const ran: string[] = [];
    work(queue, ran, () => Promise.resolve());
    expect(await queue.add('series', seriesJob('stray'))).toBe(true);
    await until(() => ran.length === 1);
    expect(await metrics.text()).toMatch(/limpid_failures_total\{code="QUEUE_UNAVAILABLE"\} 1/);
    client.disconnect();
    await queue.close();
    await redis.stop();
  });

  it('that is reached anew once its connections are dead without a word, by who adds and by who works', async () => {
    const redis = await startRedis();
    const name = await startRedisName(() => redis.port);
    const queue = await open(name.url);
    const ran: string[] = [];
    work(queue, ran, () => Promise.resolve());
    await queue.add('series', seriesJob('before-silence'));
    await until(() => ran.length === 1);
    name.silence();
    expect(await queue.add('series', seriesJob('after-silence'))).toBe(false);
    await until(() => queue.add('series', seriesJob('after-silence')), 20_000);
    await until(() => ran.length === 2);
    await queue.close();
    name.close();
    await redis.stop();
  });

  it('that needs 400 ms for each answer is counted and takes jobs', async () => {
    const redis = await startRedis();
    const name = await startRedisName(() => redis.port);
    const queue = await open(name.url);
    name.slowDown(400);
    expect(await queue.add('series', seriesJob('slow'))).toBe(true);
    expect((await queue.counts()).series.waiting).toBe(1);
    name.slowDown(0);
    await queue.close();
    name.close();
    await redis.stop();
  });

  it('that is lost while a job runs which then puts itself off does not hold up the end of a worker', async () => {
    const redis = await startRedis();
    const queue = await open(redis.url);
    const hold = { release: (): void => undefined };
    const held = new Promise<void>((resolve) => (hold.release = resolve));
    let began = false;
    const consumer = queue.work('series', 1, async () => {
      began = true;
      await held;
      return { retryAtMs: Date.now() };
    });
    await queue.add('series', seriesJob('put-off-while-away'));
    await until(() => began);
    await redis.stop();
    let isClosed = false;
    const closing = consumer.close().then(() => (isClosed = true));
    await delay(200);
    expect(isClosed).toBe(false);
    hold.release();
    const start = performance.now();
    await until(() => isClosed, 25_000);
    expect(performance.now() - start).toBeLessThan(25_000);
    await closing;
    await queue.close();
  });

  it('says why it does not answer', async () => {
    const redis = await startRedis({ args: ['--requirepass', 'secret'] });
    const queue = await open(redis.url.replace('redis://', 'redis://:wrong@'));
    const message = expect.stringMatching(/WRONGPASS/);
    await expect(queue.counts()).rejects.toMatchObject({ code: 'QUEUE_UNAVAILABLE', cause: { message } });
    await queue.close();
    await redis.stop();
  });

  it('that refuses its password does not hold up the end of a worker', async () => {
    const redis = await startRedis();
    const client = new Redis(redis.url);
    await client.config('SET', 'requirepass', 'secret');
    client.disconnect();
    const queue = await open(redis.url.replace('redis://', 'redis://:wrong@'));
    queue.work('series', 1, async () => 'done');
    const start = performance.now();
    await queue.close();
    expect(performance.now() - start).toBeLessThan(60_000);
    await redis.stop();
  });

  it('starts while Redis is away, and closes in spite of it', async () => {
    const start = performance.now();
    const queue = await open('redis://127.0.0.1:1');
    expect(await queue.add('series', seriesJob('nowhere'))).toBe(false);
    queue.work('series', 1, async () => 'done');
    await queue.close();
    expect(performance.now() - start).toBeLessThan(60_000);
  });
});
