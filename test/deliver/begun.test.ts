// A process that is killed while a result goes out: whoever may have it is told of its withdrawal.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Deliverer } from '../../src/deliver/deliver.js';
import type { Destination, SendReport } from '../../src/deliver/destination.js';
import { LimpidError } from '../../src/errors.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { readState } from '../../src/spool/read-state.js';
import { openSpool } from '../../src/spool/open-spool.js';
import type { Spool } from '../../src/spool/spool.js';
import { holdersOf, madeSeries } from '../../src/spool/withdrawals.js';
import { decisionRecord, key, outcomeRecord, seriesRecord } from '../support/records.js';
import { openFolder } from '../support/temporary.js';

const uid = '1.2.3.4.1';
const task = 'ct-low-dose-12345678';
const job = { key, revision: 1, task, peer: 'pacs' };
const signal = new AbortController().signal;

let folder: Awaited<ReturnType<typeof openFolder>>;
let spool: Spool;

const open = (): Promise<Spool> => openSpool({ directory: folder.path, sync: 'never', host: 'test', now: Date.now });

beforeEach(async () => {
  folder = await openFolder();
  spool = await open();
  await spool.publishRevision(seriesRecord(1, [uid]));
  await spool.publishDecision(decisionRecord(1));
  const made = await spool.freshFolder('result');
  await mkdir(join(made, 'objects'));
  const outcome = outcomeRecord([uid]);
  for (const { file, bytes } of outcome.instances) await writeFile(join(made, 'objects', file), Buffer.alloc(bytes));
  await spool.publishOutcome(key, 1, outcome, made);
});
afterEach(async () => {
  await spool.close();
  await folder.remove();
});

function delivererTo(send: Destination['send']): Deliverer {
  return new Deliverer({
    spool,
    peer: () => ({
      destination: { send, probe: () => Promise.resolve(null) },
      retry: { firstMs: 30_000, longestMs: 900_000, giveUpMs: 604_800_000, window: null, treatAsTransient: [] },
      throttle: { instancesPerSecond: null, bytesPerSecond: null },
      window: null,
    }),
    waiting: () => Promise.resolve([]),
    isCurrent: () => Promise.resolve(true),
    runs: () => Promise.resolve(false),
    wake: () => Promise.resolve(true),
    log: openLog('silent'),
    metrics: openMetrics(),
    now: Date.now,
    random: () => 0,
  });
}

/** Who would be told of a withdrawal, by the files alone. */
async function holders(): Promise<string[]> {
  const state = await readState(spool.layout, key);
  return madeSeries(state).flatMap((made) => holdersOf(state, made));
}

const reportOf = (outcome: 'delivered' | 'permanent'): SendReport => ({
  failure: null,
  outcomes: [
    {
      sopInstanceUid: `${uid}.9`,
      class: outcome,
      status: outcome === 'delivered' ? 0 : 0xa900,
      comment: '',
    },
  ],
});

describe('a peer that may have a result', () => {
  it('is told of its withdrawal, though the process was killed before it wrote the answer down', async () => {
    expect(await holders()).toEqual([]);
    await new Promise<void>((sending) => {
      const deliverer = delivererTo(async ([first], { pace }) => {
        if (first !== undefined) await pace(first);
        sending(); // the peer has it and has answered: here the process ends
        return new Promise(() => undefined);
      });
      void deliverer.deliver(job, 'routine', signal);
    });
    expect(await holders()).toEqual(['pacs']);
    await spool.close();
    spool = await open();
    // The next process meets a peer that is away: that tells nothing of what it has.
    const failure = { code: 'DIMSE_CONNECT', detail: 'away', pace: 'unreachable' } as const;
    const away = delivererTo(() => Promise.resolve({ failure, outcomes: [] }));
    await away.deliver(job, 'routine', signal);
    away.close();
    expect((await spool.state(key)).revisions[0]?.deliveries.get(`${task}@pacs`)).toHaveLength(1);
    expect(await holders()).toEqual(['pacs']);
  });
  it('is not told where it has answered that it does not take it, nor where nothing went out', async () => {
    const none = delivererTo(() => Promise.resolve({ failure: null, outcomes: [] }));
    await none.deliver(job, 'routine', signal);
    expect(await holders()).toEqual([]);
    const refusing = delivererTo(async ([first], { pace }) => {
      if (first !== undefined) await pace(first);
      expect(await holders()).toEqual(['pacs']);
      return reportOf('permanent');
    });
    await refusing.deliver(job, 'routine', signal);
    expect(await holders()).toEqual([]);
  });
  it('gets nothing where that cannot be written down', async () => {
    const full = new LimpidError('SPOOL_FULL', 'full');
    spool.beginDelivery = () => Promise.reject(full);
    let went: boolean | null = null;
    const deliverer = delivererTo(async ([first], { pace }) => {
      went = first !== undefined && (await pace(first));
      return { failure: null, outcomes: [] };
    });
    await expect(deliverer.deliver(job, 'routine', signal)).rejects.toBe(full);
    expect(went).toBe(false);
  });
  it('of which a failing disk keeps the word, behind the record, is not told once that word can be taken back', async () => {
    const begin = spool.beginDelivery.bind(spool);
    let isFailing = true;
    spool.beginDelivery = async (...which) => {
      const takeBack = await begin(...which);
      return () => (isFailing ? Promise.reject(new Error('EIO: i/o error, unlink')) : takeBack());
    };
    const refusing = delivererTo(async ([first], { pace }) => {
      if (first !== undefined) await pace(first);
      return reportOf('permanent');
    });
    await expect(refusing.deliver(job, 'routine', signal)).rejects.toThrow('unlink');
    expect(await holders()).toEqual(['pacs']);
    await expect(refusing.deliver(job, 'routine', signal)).rejects.toThrow('unlink'); // it is not forgotten
    isFailing = false;
    // Its own job may run elsewhere from now on.
    await refusing.deliver({ ...job, peer: 'elsewhere' }, 'routine', signal);
    expect(await holders()).toEqual([]);
  });
  it('is not told where it had answered for all that had gone out when the process ended', async () => {
    const ending = new AbortController();
    const refusing = delivererTo(async ([first], { pace }) => {
      if (first !== undefined) await pace(first);
      ending.abort();
      return reportOf('permanent');
    });
    await refusing.deliver(job, 'routine', ending.signal);
    expect(await holders()).toEqual([]);
  });
  it('is told where the process ended before it had answered', async () => {
    const ending = new AbortController();
    const stalled = delivererTo(async ([first], { pace }) => {
      if (first !== undefined) await pace(first);
      ending.abort();
      return { failure: null, outcomes: [] };
    });
    await stalled.deliver(job, 'routine', ending.signal);
    expect(await holders()).toEqual(['pacs']);
  });
});
