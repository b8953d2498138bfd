import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { openQueue } from '../../src/queue/backend.js';
import type { QueueBackend } from '../../src/queue/backend.js';
import { idOf, queueConformance, runsAfterSetBack, seriesJob, until } from './conformance.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'limpid-queue-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const open = (name: string): Promise<QueueBackend> =>
  openQueue({
    url: 'embedded',
    directory: join(root, name),
    log: openLog('silent'),
    metrics: openMetrics(),
    now: () => Date.now(),
  });

/** A process that holds the queue and adds what it is told. */
async function holder(name: string): Promise<ChildProcess> {
  const child = fork(new URL('./queue-holder.js', import.meta.url), [join(root, name)], { execArgv: [] });
  await once(child, 'message');
  return child;
}

describe('the embedded queue', () => {
  let queue: QueueBackend;
  beforeAll(async () => {
    queue = await open('conformance');
  });
  afterAll(() => queue.close());
  queueConformance(() => queue);
});

describe('the embedded queue and its directory', () => {
  it('takes no jobs while its volume is away', async () => {
    let isAway = false;
    const queue = await openQueue({
      url: 'embedded',
      directory: join(root, 'away'),
      isThere: async () => !isAway,
      log: openLog('silent'),
      metrics: openMetrics(),
      now: () => Date.now(),
    });
    await expect(queue.probe()).resolves.toBeUndefined();
    isAway = true;
    await expect(queue.probe()).rejects.toMatchObject({
      code: 'QUEUE_UNAVAILABLE',
      cause: { message: 'the volume of the spool is not there' },
    });
    await queue.close();
  });

  it('keeps its jobs over an orderly end', async () => {
    const first = await open('kept');
    await first.add('series', seriesJob('kept'));
    await first.close();
    const second = await open('kept');
    expect(await second.has('series', idOf(seriesJob('kept')))).toBe(true);
    await second.close();
  });

  it('keeps acknowledged jobs over kill -9, and leaves no lock behind', async () => {
    const child = await holder('killed');
    child.send('one');
    expect(await once(child, 'message').then(([answer]: unknown[]) => answer)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const queue = await open('killed');
    expect(await queue.has('series', idOf(seriesJob('one')))).toBe(true);
    let ran = 0;
    queue.work('series', 1, async () => {
      ran++;
      return 'done';
    });
    await until(() => ran === 1);
    await queue.close();
  });

  it('runs again at once what a killed process was running, not after its lock', async () => {
    const child = await holder('running');
    child.send('one');
    await once(child, 'message');
    child.send('work');
    expect(await once(child, 'message').then(([answer]: unknown[]) => answer)).toBe('running');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const queue = await open('running');
    const started = performance.now();
    let ran = 0;
    queue.work('series', 1, async () => {
      ran++;
      return 'done';
    });
    await until(() => ran === 1);
    expect(performance.now() - started).toBeLessThan(20_000); // a lock lasts 30 s
    await queue.close();
  });

  it('does not let a delayed job wait for a clock that was set back to stand again where it stood', async () => {
    await runsAfterSetBack(join(root, 'clock'), 'embedded');
    expect(await readdir(join(root, 'clock'))).toContain('pgdata');
  });

  it('is refused to a second process, and to the same one, with the holder named', async () => {
    const child = await holder('held');
    await expect(open('held')).rejects.toMatchObject({
      code: 'QUEUE_IN_USE',
      message: expect.stringContaining(`process ${child.pid}`),
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    const queue = await open('held');
    await expect(open('held')).rejects.toMatchObject({ code: 'QUEUE_IN_USE' });
    await queue.close();
  });

  it('moves a damaged database aside and starts empty', async () => {
    const first = await open('damaged');
    await first.add('series', seriesJob('damaged'));
    await first.close();
    await truncate(join(root, 'damaged', 'pgdata', 'global', 'pg_control'), 100);
    const queue = await open('damaged');
    expect(await queue.has('series', idOf(seriesJob('damaged')))).toBe(false);
    expect(await queue.add('series', seriesJob('damaged'))).toBe(true);
    await queue.close();
    const names = await readdir(join(root, 'damaged'));
    expect(names.filter((name) => name.startsWith('pgdata.broken-')).length).toBe(1);
    expect(names).not.toContain('lock');
  });

  it('comes back empty, and says so, when its directory is deleted while it runs', async () => {
    const queue = await open('deleted');
    let lost = 0;
    queue.onLost(() => void lost++);
    const ran: string[] = [];
    queue.work('series', 1, async (job) => {
      ran.push(job.key);
      return 'done';
    });
    await queue.add('series', seriesJob('before'));
    await until(() => ran.length === 1);
    await rm(join(root, 'deleted'), { recursive: true });
    // At the latest the heart-beat of the lock notices; an add may notice before it. None may throw.
    await until(async () => {
      await queue.add('series', seriesJob('meanwhile'));
      return lost > 0;
    });
    await until(() => queue.add('series', seriesJob('after')));
    await until(() => ran.includes(seriesJob('after').data.key));
    expect(lost).toBe(1);
    await queue.close();
  });
});
