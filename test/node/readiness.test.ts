import { describe, expect, it } from '@jest/globals';
import type { Standing } from '../../src/node/readiness.js';
import { readiness } from '../../src/node/readiness.js';

const marks = { lowBytes: 10e9, criticalBytes: 2e9, fullBacklog: 100 };
const none = { waiting: 0, active: 0, delayed: 0, oldestSeconds: null };

interface Node {
  readonly freeBytes?: number | Error;
  readonly waiting?: number | Error;
  /** Why the queue takes no jobs. */
  readonly full?: Error;
  /** What should be mended of it. */
  readonly notice?: string;
  readonly standing?: Standing;
  readonly drains?: boolean;
}

const orThrow = <T>(value: T | Error): Promise<T> =>
  value instanceof Error ? Promise.reject(value) : Promise.resolve(value);

/** State and sentence of each thing by its name. */
async function told({ freeBytes = 50e9, waiting = 0, full, notice = '', standing = 'holds', drains = false }: Node) {
  const spool = { freeBytes: () => orThrow(freeBytes) };
  const queue = {
    counts: async () => {
      const tasks = { ...none, waiting: await orThrow(waiting) };
      return { series: { ...none, waiting: 1 }, tasks, deliveries: { ...none, waiting: 5000 }, commitments: none };
    },
    probe: () => orThrow(full ?? undefined),
    notice: () => Promise.resolve(notice || null),
  };
  const stopping = drains ? AbortSignal.abort() : new AbortController().signal;
  const { dependencies } = await readiness(spool, queue, marks, { stopping, standing: () => standing })();
  return Object.fromEntries(dependencies.map(({ name, state, says }) => [name, `${state}: ${says}`]));
}

describe('readiness', () => {
  it('is told with the room that is left', async () => {
    expect(await told({})).toEqual({
      spool: 'ready: The spool can be written, 50.0 GB of room.',
      queue: 'ready: The queue takes jobs.',
    });
  });

  it('is less while instances, and none while associations are refused for want of room', async () => {
    expect((await told({ freeBytes: 9.9e9 }))['spool']).toMatch(/^degraded: 9\.9 GB of room: below spool\.low, .*A700/);
    expect((await told({ freeBytes: 1.9e9 }))['spool']).toMatch(/^down: 1\.9 GB of room: below spool\.critical/);
    expect((await told({ freeBytes: new Error('EIO') }))['spool']).toMatch(/^down: .*check its mount/);
  });

  it('is less while the queue may throw jobs away', async () => {
    expect((await told({ notice: 'Set noeviction.' }))['queue']).toBe(
      'degraded: The queue takes jobs. Set noeviction.',
    );
  });

  it('is less while too much waits for routing and enhancing, or the queue does not answer', async () => {
    expect((await told({ waiting: 98 }))['queue']).toBe('ready: The queue takes jobs.');
    expect((await told({ waiting: 99 }))['queue']).toMatch(/^degraded: 100 jobs wait .*A700/);
    expect((await told({ waiting: new Error('away') }))['queue']).toMatch(/^degraded: The queue does not answer: /);
    const refused = new Error('counts: no answer within 2000 ms', { cause: new Error('WRONGPASS invalid password') });
    expect((await told({ waiting: refused }))['queue']).toMatch(
      /^degraded: .* not answer \(WRONGPASS invalid password\): /,
    );
  });

  it('is less while the queue answers and takes nothing, and says why', async () => {
    const full = new Error('marker: the queue does not answer', { cause: new Error('OOM command not allowed') });
    expect((await told({ full }))['queue']).toMatch(/^degraded: The queue answers, but takes no jobs \(OOM command/);
  });

  it('is none of a receiver that stands by, and of a node that drains', async () => {
    expect((await told({ standing: 'stands-by' }))['receiver']).toMatch(/^down: Another receiver/);
    expect((await told({ standing: 'stepped-down' }))['receiver']).toMatch(/^down: .* until it is started again\.$/);
    expect((await told({ drains: true }))['node']).toMatch(/^down: The node is draining/);
  });
});
