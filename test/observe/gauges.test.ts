import { describe, expect, it } from '@jest/globals';
import { watchNode } from '../../src/node/gauges.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { keyOf } from '../../src/spool/key.js';
import type { Key } from '../../src/spool/key.js';

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
        oldestActiveSeconds: async () => 90,
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
});
