// A record that does not fit its schema, cut by a power failure or written by a newer limpid: the other series are seen all the same.
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { openAdminPorts } from '../../src/node/admin-ports.js';
import { watchNode } from '../../src/node/gauges.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { keyOf } from '../../src/spool/key.js';
import { openSpool } from '../../src/spool/open-spool.js';
import { key, seriesRecord } from '../support/records.js';
import { withFolder } from '../support/temporary.js';

it('one series that cannot be read hides no other', async () => {
  await withFolder(async (directory) => {
    const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
    const sick = keyOf('1.2.9', '1.2.9.1');
    await mkdir(spool.layout.revision(sick, 1), { recursive: true });
    await writeFile(join(spool.layout.revision(sick, 1), 'series.json'), '');
    await spool.publishRevision(seriesRecord(1, ['1.1']));
    for (const one of [sick, key]) await spool.active.mark(one);
    const queue = { counts: () => Promise.reject(new Error('away')) };
    const config = { peers: {} };
    const ports = openAdminPorts({
      spool,
      queue,
      registry: { list: () => [] },
      config,
      breaker: null,
      now: Date.now,
    });
    const metrics = openMetrics();
    watchNode({ spool, queue, config, metrics, now: Date.now });
    try {
      const { series } = await ports.listSeries({ limit: 10 });
      expect(series.map((one) => one.key)).toEqual([key]);
      expect(await ports.peers()).toEqual([]);
      const text = await metrics.text();
      expect(text).toContain('limpid_series_active{state="routing"} 1\n');
      expect(text).toMatch(/limpid_spool_oldest_undelivered_seconds \d+/);
    } finally {
      await spool.close();
    }
  });
});
