import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { configSchema } from '../../src/config/schema.js';
import { watchNode } from '../../src/node/gauges.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { keyOf } from '../../src/spool/key.js';
import type { Key } from '../../src/spool/key.js';
import { at, decisionRecord, key as seriesKey, revisionState, seriesRecord, seriesState } from '../support/records.js';

const keys: readonly Key[] = [keyOf('2.25.1', '2.25.2'), keyOf('2.25.1', '2.25.3')];

describe('gauges of the whole node', () => {
  it('are read from spool and queue at each scrape, each on its own', async () => {
    const metrics = openMetrics();
    let queueAsked = 0;
    watchNode({
      spool: {
        active: { keys: async () => new Map(keys.map((key) => [key, 0])) },
        // Instances that no revision lists yet: the series is being received.
        state: async (key) => ({ key, files: ['f0'], revisions: [], actions: [], promisedUntilMs: -Infinity }),
        oldestActiveSeconds: async (ageOf) => Math.max(...keys.map((one) => ageOf(one, -90_000))) / 1000,
      },
      queue: {
        counts: () => {
          queueAsked += 1;
          return Promise.reject(new Error('away'));
        },
      },
      config: { peers: {} },
      metrics,
      now: () => 0,
    });
    const text = await metrics.text();
    expect(text).toContain('limpid_series_active{state="receiving"} 2\n');
    expect(text).toContain('limpid_series_active{state="held"} 0\n');
    expect(text).toContain('limpid_spool_oldest_undelivered_seconds 90\n');
    expect(queueAsked).toBe(1);
    expect(text).toContain('limpid_scrape_faults_total 1\n');
  });

  it('tell how long the queues are', async () => {
    const [none, some] = [
      { waiting: 0, active: 0, delayed: 0, oldestSeconds: null },
      { waiting: 3, active: 1, delayed: 2, oldestSeconds: 40 },
    ];
    const metrics = openMetrics();
    watchNode({
      spool: {
        active: { keys: async () => new Map() },
        state: () => Promise.reject(new Error('there is none')),
        oldestActiveSeconds: async () => 0,
      },
      queue: { counts: async () => ({ series: none, tasks: some, deliveries: none, commitments: none }) },
      config: { peers: {} },
      metrics,
      now: () => 0,
    });
    const text = await metrics.text();
    expect(text).toContain('limpid_queue_jobs{queue="tasks",state="waiting"} 3\n');
    expect(text).toContain('limpid_queue_jobs{queue="tasks",state="delayed"} 2\n');
    expect(text).toContain('limpid_queue_jobs{queue="series",state="active"} 0\n');
    expect(text).toContain('limpid_queue_oldest_seconds{queue="tasks"} 40\n');
    expect(text).toContain('limpid_queue_oldest_seconds{queue="series"} 0\n');
  });

  it('leave a spool alone for some times as long as the walk over its series took', async () => {
    const metrics = openMetrics();
    let walks = 0;
    watchNode({
      spool: {
        active: {
          keys: async () => {
            walks += 1;
            await delay(200);
            return new Map();
          },
        },
        state: () => Promise.reject(new Error('there is none')),
        oldestActiveSeconds: async () => 0,
      },
      queue: { counts: () => Promise.reject(new Error('away')) },
      config: { peers: {} },
      metrics,
      now: () => 0,
    });
    for (let scrape = 0; scrape < 3; scrape++) await metrics.text();
    expect(walks).toBe(1);
    await delay(700);
    await metrics.text();
    expect(walks).toBe(2);
  });

  it.each([
    // received at midnight
    ['waits for hours that have not begun', ['archive'], '2026-01-01T19:59:00.000Z', 0],
    ['waits within the hours', ['archive'], '2026-01-01T20:30:00.000Z', 1800],
    ['waits for a peer without hours too', ['archive', 'pacs'], '2026-01-01T19:59:00.000Z', 71_940],
  ])('a series that %s: its age', async (_, forward, now, seconds) => {
    const record = seriesRecord(1, ['1.2.3.4.5']);
    const metrics = openMetrics();
    watchNode({
      spool: {
        active: { keys: async () => new Map([[seriesKey, 0]]) },
        state: async () => seriesState([revisionState(record, decisionRecord(1, { tasks: [], forward }))]),
        oldestActiveSeconds: async (ageOf) => ageOf(seriesKey, Date.parse(at)) / 1000,
      },
      queue: { counts: () => Promise.reject(new Error('away')) },
      config: configSchema.parse({
        node: { aeTitle: 'LIMPID' },
        peers: {
          pacs: { kind: 'folder', directory: '/pacs' },
          archive: { kind: 'folder', directory: '/archive', window: '20:00-23:00 UTC' },
        },
      }),
      metrics,
      now: () => Date.parse(now),
    });
    expect(await metrics.text()).toContain(`limpid_spool_oldest_undelivered_seconds ${seconds}\n`);
  });
});
