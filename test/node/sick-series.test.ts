// A record that does not fit its schema, cut by a power failure or written by a newer limpid: the other series are seen all the same.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { openAdminPorts } from '../../src/node/admin-ports.js';
import { watchNode } from '../../src/node/gauges.js';
import { seriesCommands } from '../../src/cli/series.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { keyOf } from '../../src/spool/key.js';
import { openSpool } from '../../src/spool/open-spool.js';
import { key, seriesRecord } from '../support/records.js';
import { withFolder } from '../support/temporary.js';

it('one series that cannot be read hides no other, and is not hidden itself', async () => {
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
      expect(Object.fromEntries(series.map((one) => [one.key, one.state]))).toEqual({
        [key]: 'routing',
        [sick]: 'unreadable',
      });
      const unreadable = await ports.listSeries({ limit: 10, state: 'unreadable' });
      expect(unreadable.series.map((one) => one.says)).toEqual([
        expect.stringMatching(/\/r1\/series\.json does not fit its schema.* Put what is cut back into /),
      ]);
      expect(unreadable.series[0]?.says).toContain(spool.layout.series(sick));
      expect(await ports.showSeries(sick)).toMatchObject({ state: 'unreadable', files: 0 });
      expect(await ports.peers()).toEqual([]);
      const text = await metrics.text();
      expect(text).toContain('limpid_series_active{state="routing"} 1\n');
      expect(text).toContain('limpid_series_active{state="unreadable"} 1\n');
      expect(text).toMatch(/limpid_spool_oldest_undelivered_seconds \d+/);
    } finally {
      await spool.close();
    }
  });
});

it('names folder and record of a series that cannot be read, to who asks for the list or for it', async () => {
  await withFolder(async (directory) => {
    const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
    const told: string[] = [];
    const output = { out: (text: string) => void told.push(text), err: () => undefined, terminal: false };
    const judge = { givenUp: () => false, wait: () => null };
    const commands = seriesCommands((_, __, body) => body(spool, judge), { user: 'me', now: Date.now }, output);
    try {
      await spool.publishRevision(seriesRecord(1, ['1.1']));
      const record = join(spool.layout.revision(key, 1), 'series.json');
      const folder = spool.layout.series(key);
      for (const spoil of [() => writeFile(record, '{"version":1,'), () => mkdir(record)]) {
        await rm(record);
        await spoil();
        await commands.list({ config: '', json: false, limit: 10 });
        const list = told.pop() ?? '';
        expect(list).toContain(`${key}: Waits for a person`);
        expect(list).toContain(folder);
        await commands.show(key, { config: '', json: false });
        const shown = told.pop() ?? '';
        expect(shown).toContain(folder);
        expect(shown).toContain('limpid spool verify');
      }
    } finally {
      await spool.close();
    }
  });
});
