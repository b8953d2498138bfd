// What the files of a series become in the queue.
import { hostname } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { openLog } from '../src/observe/log.js';
import { openMetrics } from '../src/observe/metrics.js';
import { advance } from '../src/pipeline.js';
import type { QueueBackend } from '../src/queue/backend.js';
import { recordAsked, takeReport } from '../src/spool/commitment-records.js';
import { openSpool } from '../src/spool/open-spool.js';
import { actionRecord, decisionRecord, deliveryRecord, key, seriesRecord } from './support/records.js';
import { withFolder } from './support/temporary.js';

/** A queue that writes down what it is asked for. */
function queueOf(asked: string[]): QueueBackend {
  const unused = (): never => {
    throw new Error('not asked for');
  };
  return {
    kind: 'embedded',
    add: (queue, { data, priority, source }) => {
      asked.push(`add ${queue} ${data.task ?? ''} ${priority} of ${source}`);
      return Promise.resolve(true);
    },
    reprioritise: (queue, id, priority, source) => {
      asked.push(
        `reprioritise ${queue} ${id === `${key}.r1.ct-low-dose-12345678` ? 'its task' : id} ${priority} of ${source}`,
      );
      return Promise.resolve(true);
    },
    work: unused,
    promote: (queue) => {
      asked.push(`promote ${queue}`);
      return Promise.resolve(true);
    },
    remove: unused,
    has: unused,
    runs: unused,
    counts: unused,
    probe: unused,
    notice: () => Promise.resolve(null),
    onLost: unused,
    close: unused,
  };
}

describe('advancing a series', () => {
  it('gives a job that waits already the priority that a person asks for', async () => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
      const asked: string[] = [];
      const queue = queueOf(asked);
      const deps = { spool, queue, log: openLog('silent'), metrics: openMetrics(), now: Date.now };
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      await spool.publishDecision(decisionRecord(1));
      await advance(deps, key);
      const [added = ''] = asked.splice(0);
      expect(added).toMatch(/^add tasks ct-low-dose-12345678 routine of /);
      await spool.recordAction(key, actionRecord({ kind: 'prioritise', priority: 'urgent' }));
      await advance(deps, key);
      const urgent = added.replace('routine', 'urgent');
      expect(asked).toEqual([urgent, urgent.replace(/^add tasks \S+/, 'reprioritise tasks its task')]);
      await spool.close();
    });
  });

  it('has a delivery come again that has got another class: it may stand in line for its peer', async () => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
      const asked: string[] = [];
      const deps = { spool, queue: queueOf(asked), log: openLog('silent'), metrics: openMetrics(), now: Date.now };
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      await spool.publishDecision(decisionRecord(1, { forward: ['pacs'], tasks: [] }));
      await spool.recordAction(key, actionRecord({ kind: 'prioritise', priority: 'urgent' }));
      await advance(deps, key);
      expect(asked).toEqual([
        'add deliveries originals urgent of pacs',
        `reprioritise deliveries ${key}.r1.originals.pacs urgent of pacs`,
        'promote deliveries',
      ]);
      await spool.close();
    });
  });

  it('has a delivery come again that was just released: what was held while its peer came back stands in no line', async () => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
      const asked: string[] = [];
      let nowMs = Date.parse('2026-03-01T10:00:30.000Z');
      const deps = { spool, queue: queueOf(asked), log: openLog('silent'), metrics: openMetrics(), now: () => nowMs };
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      await spool.publishDecision(decisionRecord(1, { forward: ['pacs'], tasks: [] }));
      await spool.recordAction(key, actionRecord({ kind: 'hold', at: '2026-03-01T09:00:00.000Z' }));
      await advance(deps, key);
      expect(asked.splice(0)).toEqual([]);
      await spool.recordAction(key, actionRecord({ kind: 'release', at: '2026-03-01T10:00:29.000Z' }));
      await advance(deps, key);
      expect(asked.splice(0)).toEqual(['add deliveries originals routine of pacs', 'promote deliveries']);
      nowMs += 60_000; // its peer is away meanwhile: from here on its desk wakes it
      await advance(deps, key);
      expect(asked).toEqual(['add deliveries originals routine of pacs']);
      await spool.close();
    });
  });

  it.each([
    ['when its last image was accepted, not when a person acted on it days later', 'delivered', { sum: 60, count: 1 }],
    ['nothing where no peer has taken any of it', 'permanent', { sum: 0, count: 0 }],
  ] as const)('that is done has told for time_to_pacs_seconds %s', async (_, taken, { sum, count }) => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
      const metrics = openMetrics();
      const now = (): number => Date.parse('2026-01-03T00:00:00.000Z'); // two days later
      const deps = { spool, queue: queueOf([]), log: openLog('silent'), metrics, now };
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      await spool.publishDecision(decisionRecord(1, { forward: ['pacs'], tasks: [] }));
      const delivery = { ...deliveryRecord({ '1.1': taken }), at: '2026-01-01T00:01:00.000Z' };
      await spool.recordDelivery(key, 1, 'originals', delivery);
      await spool.recordAction(key, actionRecord({ kind: 'discard' }));
      await advance(deps, key);
      const text = await metrics.text();
      const of = (what: string): number =>
        Number(new RegExp(`time_to_pacs_seconds_${what}\\{.*\\} (\\S+)`).exec(text)?.[1] ?? 0);
      expect([of('sum'), of('count')]).toEqual([sum, count]);
      await spool.close();
    });
  });

  it('tells time_to_pacs_seconds once, and not for what a peer has lost and gets again', async () => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
      const metrics = openMetrics();
      const deps = { spool, queue: queueOf([]), log: openLog('silent'), metrics, now: Date.now };
      const told = async (): Promise<number[]> => {
        const text = await metrics.text();
        const of = (what: string) => new RegExp(`time_to_pacs_seconds_${what}\\{.*\\} (\\S+)`).exec(text)?.[1];
        return [Number(of('sum')), Number(of('count'))];
      };
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      await spool.publishDecision(decisionRecord(1, { forward: ['pacs'], tasks: [] }));
      for (const sentAt of ['2026-01-01T00:01:00.000Z', '2026-01-01T09:00:00.000Z'])
        await spool.recordDelivery(key, 1, 'originals', { ...deliveryRecord({ '1.1': 'delivered' }), at: sentAt });
      await spool.active.mark(key);
      await advance(deps, key);
      expect(await told()).toEqual([60, 1]);
      const later = { kind: 'prioritise', priority: 'batch', at: '2026-01-03T00:00:00.000Z' } as const;
      await spool.recordAction(key, actionRecord(later));
      await advance(deps, key);
      expect([...(await spool.active.keys()).keys()]).toEqual([]);
      expect(await told()).toEqual([60, 1]);
      await spool.close();
    });
  });

  it('tells time_to_pacs_seconds also where a person acts before anybody has found the series done', async () => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
      const metrics = openMetrics();
      const deps = { spool, queue: queueOf([]), log: openLog('silent'), metrics, now: Date.now };
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      await spool.publishDecision(decisionRecord(1, { forward: ['pacs'], tasks: [] }));
      const at = (time: string): string => `2026-01-01T${time}.000Z`;
      await spool.recordDelivery(key, 1, 'originals', {
        ...deliveryRecord({ '1.1': 'delivered' }),
        at: at('00:01:00'),
      });
      for (const time of ['00:01:01', '00:02:00']) {
        await spool.recordAction(key, actionRecord({ kind: 'prioritise', priority: 'batch', at: at(time) }));
        await advance(deps, key);
        expect(await metrics.text()).toMatch(/time_to_pacs_seconds_count\{.*\} 1\n/);
      }
      await spool.close();
    });
  });

  it('tells time_to_pacs_seconds of what a peer has committed itself to once: whatever a person does meanwhile, and however often it reports', async () => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
      const metrics = openMetrics();
      const deps = { spool, queue: queueOf([]), log: openLog('silent'), metrics, now: Date.now };
      const told = async (): Promise<number[]> => {
        await advance(deps, key);
        const text = await metrics.text();
        const of = (what: string) => new RegExp(`time_to_pacs_seconds_${what}\\{.*\\} (\\S+)`).exec(text)?.[1];
        return [Number(of('sum') ?? 0), Number(of('count') ?? 0)];
      };
      const at = (time: string): string => `2026-01-01T${time}.000Z`;
      const instances = [{ sopClassUid: '1.2.840.10008.5.1.4.1.1.2', sopInstanceUid: '1.1' }];
      const delivery = { key, revision: 1, task: 'originals', peer: 'pacs' };
      const ask = (transactionUid: string, time: string) =>
        recordAsked(spool, delivery, {
          version: 1,
          at: at(time),
          by: 'pacs',
          transactionUid,
          batches: 1,
          elsewhere: {},
          instances,
        });
      const report = (transactionUid: string, time: string) =>
        takeReport(spool, { transactionUid, by: ['pacs'], at: at(time), committed: ['1.1'], failed: [] });
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      await spool.publishDecision(decisionRecord(1, { forward: ['pacs'], tasks: [], commit: ['pacs'] }));
      await spool.recordDelivery(key, 1, 'originals', {
        ...deliveryRecord({ '1.1': 'delivered' }),
        at: at('00:01:00'),
      });
      await ask('1.2.1', '00:02:00');
      await spool.recordAction(key, actionRecord({ kind: 'prioritise', priority: 'urgent', at: at('00:03:00') }));
      await ask('1.2.2', '01:02:00'); // the first report is overdue
      expect(await told()).toEqual([0, 0]);
      await report('1.2.2', '01:03:00');
      expect(await told()).toEqual([60, 1]);
      await report('1.2.2', '01:04:00');
      expect([...(await spool.active.keys()).keys()]).toEqual([]);
      expect(await told()).toEqual([60, 1]);
      await report('1.2.1', '01:05:00');
      expect(await told()).toEqual([60, 1]);
      await spool.close();
    });
  });
});
