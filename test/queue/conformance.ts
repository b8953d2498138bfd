// What every store must do; run for the embedded queue and for Redis.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it } from '@jest/globals';
import type { QueueBackend } from '../../src/queue/backend.js';
import { jobIdOf } from '../../src/queue/jobs.js';
import type { Consumer, JobData, JobHandler, JobSpec } from '../../src/queue/jobs.js';
import { keyOf } from '../../src/spool/key.js';
import type { Priority } from '../../src/spool/records.js';
import { LimpidError } from '../../src/errors.js';

/** The key of a series that exists in tests only. */
export const testKey = (name: string) => keyOf('1.2.826.0.1.3680043.10.999', `1.2.826.0.1.3680043.10.999.${name}`);
export const seriesJob = (name: string, source = 'ct1', priority: Priority = 'routine'): JobSpec => ({
  data: { key: testKey(name), revision: 1 },
  priority,
  source,
});
export const idOf = (job: JobSpec): string => jobIdOf('series', job.data);

/** Waits until `holds` answers true; fails after `ms`. */
export async function until(holds: () => boolean | Promise<boolean>, ms = 60_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms`);
    await delay(10);
  }
}

/** The suite; `queue` gives the open queue, emptied between tests by the tests themselves. */
export function queueConformance(queue: () => QueueBackend): void {
  const consumers: Consumer[] = [];
  const work = (handler: JobHandler, concurrency = 1): Consumer => {
    const consumer = queue().work('series', concurrency, handler);
    consumers.push(consumer);
    return consumer;
  };
  afterEach(async () => {
    await Promise.all(consumers.splice(0).map((consumer) => consumer.close()));
    const left = await queue().counts();
    expect({ waiting: left.series.waiting, active: left.series.active, delayed: left.series.delayed }).toEqual({
      waiting: 0,
      active: 0,
      delayed: 0,
    });
  });

  it('runs a job once, with its data, and forgets it', async () => {
    const ran: JobData[] = [];
    work(async (job) => {
      ran.push(job);
      return 'done';
    });
    const job = seriesJob('once');
    expect(await queue().add('series', job)).toBe(true);
    await until(() => ran.length === 1);
    expect(ran).toEqual([job.data]);
    await until(async () => !(await queue().has('series', idOf(job))));
    // A finished job must not swallow the same job when it is due again.
    expect(await queue().add('series', job)).toBe(true);
    await until(() => ran.length === 2);
  });

  it('ignores an add whose job waits already', async () => {
    const job = seriesJob('twice');
    for (let time = 0; time < 5; time++) expect(await queue().add('series', job)).toBe(true);
    expect((await queue().counts()).series.waiting).toBe(1);
    let runs = 0;
    work(async () => {
      runs++;
      return 'done';
    });
    await until(async () => !(await queue().has('series', idOf(job))));
    await delay(100);
    expect(runs).toBe(1);
  });

  it('a running job moves itself to later, whatever is added meanwhile', async () => {
    const job = seriesJob('later');
    const starts: number[] = [];
    const asked = 300;
    work(async () => {
      starts.push(Date.now());
      if (starts.length === 3) return 'done';
      await queue().add('series', job);
      return { retryAtMs: Date.now() + asked };
    });
    await queue().add('series', job);
    await until(() => starts.length === 3);
    await until(async () => !(await queue().has('series', idOf(job))));
    const gaps = starts.slice(1).map((at, index) => at - (starts[index] ?? 0));
    for (const gap of gaps) {
      expect(gap).toBeGreaterThanOrEqual(asked - 5);
      expect(gap).toBeLessThan(asked + 15_000); // not when its lock ends, after 30 s
    }
  });

  it('a delayed job is promoted, and only a delayed one', async () => {
    const job = seriesJob('promoted');
    let runs = 0;
    work(async () => {
      runs++;
      return runs === 1 ? { retryAtMs: Date.now() + 3_600_000 } : 'done';
    });
    await queue().add('series', job);
    await until(async () => (await queue().counts()).series.delayed === 1);
    expect(await queue().promote('series', idOf(job))).toBe(true);
    await until(() => runs === 2);
    expect(await queue().promote('series', idOf(seriesJob('nowhere')))).toBe(false);
  });

  it('a job comes with its class, and with another one that it has got while it was delayed', async () => {
    const job = seriesJob('reclassified');
    const classes: Priority[] = [];
    work(async (_, { priority }) => {
      classes.push(priority);
      return classes.length < 3 ? { retryAtMs: Date.now() + 3_600_000 } : 'done';
    });
    await queue().add('series', job);
    for (const [runs, priority] of (['urgent', 'batch'] as const).entries()) {
      await until(async () => classes.length === runs + 1 && (await queue().counts()).series.delayed === 1);
      expect(await queue().reprioritise('series', idOf(job), priority, 'ct1')).toBe(true);
      expect((await queue().counts()).series.delayed).toBe(1);
      expect(await queue().promote('series', idOf(job))).toBe(true);
    }
    await until(() => classes.length === 3);
    expect(classes).toEqual(['routine', 'urgent', 'batch']);
  });

  it('tells which job runs, and neither one that waits nor one that is delayed', async () => {
    const job = seriesJob('runs');
    const runs = (): Promise<boolean> => queue().runs('series', idOf(job));
    expect(await runs()).toBe(false);
    await queue().add('series', job);
    expect(await runs()).toBe(false);
    const seen: boolean[] = [];
    work(async () => {
      seen.push(await runs());
      return seen.length === 1 ? { retryAtMs: Date.now() + 3_600_000 } : 'done';
    });
    await until(async () => (await queue().counts()).series.delayed === 1);
    expect(await runs()).toBe(false);
    await queue().promote('series', idOf(job));
    await until(async () => !(await queue().has('series', idOf(job))));
    expect(seen).toEqual([true, true]);
  });

  it('a job that waits can be removed', async () => {
    const job = seriesJob('removed');
    await queue().add('series', job);
    expect(await queue().has('series', idOf(job))).toBe(true);
    expect(await queue().remove('series', idOf(job))).toBe(true);
    expect(await queue().remove('series', idOf(job))).toBe(false);
    expect(await queue().has('series', idOf(job))).toBe(false);
  });

  it('serves urgent before routine before batch, and sources in turn', async () => {
    const jobs = [
      seriesJob('b', 'ct2', 'batch'),
      ...['1', '2', '3', '4'].map((name) => seriesJob(`ct2-${name}`, 'ct2')),
      seriesJob('mr2-1', 'mr2'),
      seriesJob('mr2-2', 'mr2'),
      seriesJob('u', 'ct2', 'urgent'),
    ];
    for (const job of jobs) await queue().add('series', job);
    expect(await queue().reprioritise('series', idOf(seriesJob('ct2-4')), 'urgent', 'ct2')).toBe(true);
    expect(await queue().reprioritise('series', idOf(seriesJob('ct2-4')), 'urgent', 'ct2')).toBe(false); // it is
    const names = new Map(jobs.map((job) => [job.data.key, job]));
    const order: string[] = [];
    work(async (job) => {
      const spec = names.get(job.key);
      order.push(spec === undefined ? '?' : `${spec.priority} ${spec.source}`);
      return 'done';
    });
    await until(() => order.length === jobs.length);
    expect(order).toEqual([
      'urgent ct2',
      'routine ct2', // the fourth of ct2, made urgent
      'routine ct2',
      'routine mr2',
      'routine ct2',
      'routine mr2',
      'routine ct2',
      'batch ct2',
    ]);
  });

  it('runs as many at once as it was told', async () => {
    let now = 0;
    let most = 0;
    let done = 0;
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    for (let index = 0; index < 6; index++) await queue().add('series', seriesJob(`many-${index}`));
    work(async () => {
      most = Math.max(most, ++now);
      await held;
      now--;
      done++;
      return 'done';
    }, 3);
    await until(() => now === 3);
    await delay(100); // a fourth would begin
    release();
    await until(() => done === 6);
    expect(most).toBe(3);
  });

  it('tries a job again that failed by chance, and ends one that cannot be helped', async () => {
    const again = seriesJob('again');
    const never = seriesJob('never');
    let runs = 0;
    work(async (job) => {
      runs++;
      if (job.key === never.data.key) throw new LimpidError('DICOM_MALFORMED', 'cut');
      if (runs < 3) throw new TypeError('a fault of limpid');
      return 'done';
    });
    await queue().add('series', again);
    await until(async () => (await queue().counts()).series.delayed === 1);
    await queue().add('series', never);
    await until(async () => !(await queue().has('series', idOf(never))));
    expect(await queue().promote('series', idOf(again))).toBe(true);
    await until(async () => !(await queue().has('series', idOf(again))));
    expect(runs).toBe(3);
  });

  it('closing waits for the running job and takes no other', async () => {
    let started = 0;
    let ended = 0;
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const consumer = work(async () => {
      started++;
      await held;
      ended++;
      return 'done';
    });
    await queue().add('series', seriesJob('closing-1'));
    await queue().add('series', seriesJob('closing-2'));
    await until(() => started === 1);
    const closing = consumer.close();
    await delay(100);
    release();
    await closing;
    expect([started, ended]).toEqual([1, 1]);
    expect((await queue().counts()).series.waiting).toBe(1);
    await queue().remove('series', idOf(seriesJob('closing-2')));
  });

  it('says how long the oldest job has waited, whatever goes before it', async () => {
    const oldest = async (): Promise<number> => (await queue().counts()).series.oldestSeconds ?? 0;
    const aged = [seriesJob('aged-batch', 'ct1', 'batch'), seriesJob('aged-1', 'mr1'), seriesJob('aged-2', 'mr1')];
    const fresh = [
      seriesJob('fresh-urgent', 'ct2', 'urgent'),
      seriesJob('fresh-1', 'ct1'),
      seriesJob('fresh-2', 'ct1'),
    ];
    for (const job of aged) await queue().add('series', job);
    const agedAt = performance.now();
    await delay(1_000);
    for (const job of fresh) await queue().add('series', job);
    for (const job of aged) {
      const least = (performance.now() - agedAt) / 1_000;
      expect(await oldest()).toBeGreaterThanOrEqual(least - 0.05);
      expect(await queue().remove('series', idOf(job))).toBe(true);
    }
    const since = performance.now();
    expect(await oldest()).toBeLessThan((since - agedAt) / 1_000 - 0.5);
    for (const job of fresh) expect(await queue().remove('series', idOf(job))).toBe(true);
    expect((await queue().counts()).series.oldestSeconds).toBeNull();
  });

  it('counts the waiting of a job that had put itself off from when it last ran', async () => {
    const job = seriesJob('put-off');
    await queue().add('series', job);
    await delay(1_000);
    let ranAt = 0;
    const consumer = work(async () => {
      ranAt = performance.now();
      return { retryAtMs: Date.now() + 3_600_000 };
    });
    await until(async () => (await queue().counts()).series.delayed === 1);
    await consumer.close();
    expect(await queue().promote('series', idOf(job))).toBe(true);
    const { waiting, oldestSeconds } = (await queue().counts()).series;
    expect(waiting).toBe(1);
    expect(oldestSeconds).toBeLessThanOrEqual((performance.now() - ranAt) / 1_000 + 0.1);
    expect(await queue().remove('series', idOf(job))).toBe(true);
  });

  it('keeps its queues apart', async () => {
    const data = { key: testKey('apart'), revision: 1 };
    await queue().add('tasks', { data: { ...data, task: 'ct-low-dose-01234567' }, priority: 'routine', source: 'ct1' });
    const delivery = { ...data, task: 'ct-low-dose-01234567', peer: 'pacs' };
    await queue().add('deliveries', { data: delivery, priority: 'routine', source: 'pacs' });
    const counts = await queue().counts();
    expect([counts.series.waiting, counts.tasks.waiting, counts.deliveries.waiting]).toEqual([0, 1, 1]);
    expect(counts.tasks.oldestSeconds).toBeGreaterThanOrEqual(0);
    expect(await queue().remove('tasks', `${data.key}.r1.ct-low-dose-01234567`)).toBe(true);
    expect(await queue().remove('deliveries', `${data.key}.r1.ct-low-dose-01234567.pacs`)).toBe(true);
  });
}

/** Has a process of its own, whose clock stands three hours ahead and is then set right, run a job that it had delayed by a minute. */
export async function runsAfterSetBack(directory: string, url: string): Promise<void> {
  const child = fork(new URL('./set-back-clock.js', import.meta.url), [directory, url], { execArgv: [] });
  try {
    const told: unknown[] = await once(child, 'message', { signal: AbortSignal.timeout(180_000) });
    expect(told[0]).toBe('runs again');
  } finally {
    child.kill('SIGKILL');
  }
}
