// What the HTTP face asks of the node.
import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { configSchema } from '../../src/config/schema.js';
import { openAdminPorts } from '../../src/node/admin-ports.js';
import { keyOf } from '../../src/spool/key.js';
import { openSpool } from '../../src/spool/open-spool.js';
import type { Spool } from '../../src/spool/spool.js';
import { decisionRecord, seriesRecord } from '../support/records.js';
import { withFolder } from '../support/temporary.js';

/** Of a node whose queue is away. */
const portsOf = (spool: Spool, now: () => number = Date.now): ReturnType<typeof openAdminPorts> =>
  openAdminPorts({
    spool,
    queue: { counts: () => Promise.reject(new Error('away')) },
    registry: { list: () => [] },
    config: { peers: {} },
    breaker: null,
    now,
  });

it('a walk over the pages tells each series once, also where the last one of a page changes meanwhile, or is taken away', async () => {
  await withFolder(async (directory) => {
    const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
    const keys = ['1', '2', '3', '4', '5'].map((uid) => keyOf('1.2', `1.2.${uid}`)).toSorted();
    for (const [index, key] of keys.entries()) {
      await mkdir(spool.layout.revision(key, 1), { recursive: true });
      await writeFile(join(spool.layout.revision(key, 1), 'series.json'), '');
      await utimes(spool.layout.series(key), 2000, index < 3 ? 2000.25 : 1000); // three of one time, to a quarter of a second
    }
    const ports = portsOf(spool);
    try {
      const told: string[] = [];
      let after: string | undefined;
      const next = async (): Promise<string | null> => {
        const page = await ports.listSeries({ limit: 1, ...(after === undefined ? {} : { after }) });
        told.push(...page.series.map(({ key }) => key));
        after = page.next ?? undefined;
        return page.next;
      };
      const [first = keyOf('', ''), second = keyOf('', '')] = keys;
      await next();
      await utimes(spool.layout.series(first), 3000, 3000); // a person acts on it: it is the newest
      await next();
      await rm(spool.layout.series(second), { recursive: true });
      while ((await next()) !== null) expect(told.length).toBeLessThan(10);
      expect(told).toEqual(keys);
    } finally {
      await spool.close();
    }
  });
});

it('lists series in the order of their folders, however many are read at once', async () => {
  await withFolder(async (directory) => {
    const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
    const keys = Array.from({ length: 20 }, (_unused, index) => keyOf('1.2', `1.2.${index}`));
    for (const [index, key] of keys.entries()) {
      await mkdir(spool.layout.revision(key, 1), { recursive: true });
      if (index % 3 === 0) await writeFile(join(spool.layout.revision(key, 1), 'series.json'), '');
      await utimes(spool.layout.series(key), index, index);
    }
    const ports = portsOf(spool);
    try {
      const newestFirst = keys.toReversed();
      expect(await spool.allKeys()).toEqual(newestFirst);
      const first = await ports.listSeries({ limit: 11 });
      expect(first.next).toBe(`${newestFirst[10]}@9000`);
      const rest = await ports.listSeries({ limit: 500, after: first.next ?? '' });
      expect([...first.series, ...rest.series].map(({ key }) => key)).toEqual(newestFirst);
      expect((await ports.listSeries({ limit: 20 })).next).toBeNull(); // as many as there are
    } finally {
      await spool.close();
    }
  });
});

it('a filter that leaves few of many series is answered: in pages by time, and of what is not done from the markers alone', async () => {
  await withFolder(async (directory) => {
    const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
    const done = Array.from({ length: 30 }, (_unused, index) => keyOf('1.2', `1.2.${index}`));
    for (const [index, key] of done.entries()) {
      await spool.publishRevision(seriesRecord(1, [`1.1.${index}`], { key }));
      await spool.publishDecision(decisionRecord(1, { key, tasks: [] }));
      await utimes(spool.layout.series(key), 1000 + index, 1000 + index);
    }
    const held = keyOf('1.2', '1.2.100');
    await spool.publishRevision(seriesRecord(1, ['1.1.100'], { key: held }));
    await spool.publishDecision(
      decisionRecord(1, { key: held, tasks: [], modality: 'US', held: [{ code: 'NO_RULE', detail: '' }] }),
    );
    await utimes(spool.layout.series(held), 1, 1);
    await spool.active.mark(held);
    const read: string[] = [];
    const state = spool.state.bind(spool);
    spool.state = (key) => {
      read.push(key);
      return state(key);
    };
    let nowMs = 0;
    const ports = portsOf(spool, () => (nowMs += 1000));
    try {
      const asked = await ports.listSeries({ limit: 50, state: 'held' });
      expect(asked).toMatchObject({ series: [{ key: held, state: 'held' }], next: null });
      expect(read).toEqual([held]);
      const found: string[] = [];
      let pages = 0;
      for (let after: string | null | undefined; after !== null; pages += 1) {
        const page = await ports.listSeries({ limit: 50, modality: 'US', ...(after === undefined ? {} : { after }) });
        found.push(...page.series.map(({ key }) => key));
        after = page.next;
      }
      expect(found).toEqual([held]);
      expect(pages).toBe(3);
    } finally {
      await spool.close();
    }
  });
});

it.each([
  ['open', '23:00', /probed now and then: nobody listens\.$/],
  ['open', '12:00', /probed in its hours, which begin at 2026-03-01 22:00.*: nobody listens\.$/],
  ['closed', '23:00', /^Is tried again in a moment: nobody listens\.$/],
  ['closed', '12:00', /^Is tried again in its hours, which begin at .*: nobody listens\.$/],
] as const)(
  'says of a peer whose breaker is %s at %s when it is asked again: never outside its hours',
  async (state, time, says) => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
      const { peers } = configSchema.parse({
        node: { aeTitle: 'LIMPID' },
        peers: { pacs: { aeTitle: 'PACS', host: '127.0.0.1', port: 104, window: '22:00-06:00 UTC' } },
      });
      const failure = { code: 'DIMSE_CONNECT', detail: 'nobody listens', pace: 'lost', class: 'transient' } as const;
      const ports = openAdminPorts({
        spool,
        queue: { counts: () => Promise.reject(new Error('away')) },
        registry: { list: () => [] },
        config: { peers },
        breaker: () => ({ state, failure, sinceMs: 0, untilMs: 0, throttledUntilMs: 0 }),
        now: () => Date.parse(`2026-03-01T${time}:00Z`),
      });
      try {
        expect((await ports.peers())[0]?.says).toMatch(says);
      } finally {
        await spool.close();
      }
    });
  },
);

it('warns who releases a series that no rule matches, as the command does: nothing comes of it', async () => {
  await withFolder(async (directory) => {
    const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
    const [unruled, late] = [keyOf('1.2', '1.2.1'), keyOf('1.2', '1.2.2')];
    for (const [key, code] of [
      [unruled, 'NO_RULE'],
      [late, 'REVISION_STORM'],
    ] as const) {
      await spool.publishRevision(seriesRecord(1, ['1.1.1'], { key }));
      await spool.publishDecision(decisionRecord(1, { key, tasks: [], held: [{ code, detail: '' }] }));
    }
    const ports = portsOf(spool);
    const release = { kind: 'release', why: '', revision: null, task: null } as const;
    try {
      expect(await ports.act(unruled, release, 'api')).toEqual({
        number: 1,
        warning: `no rule matches it: nothing is made of it or sent by that. Once a rule does: limpid series requeue ${unruled}`,
      });
      expect(await ports.act(late, release, 'api')).toEqual({ number: 1, warning: null });
      const hold = { kind: 'hold', why: '', revision: null, task: null } as const;
      expect(await ports.act(late, hold, 'api')).toEqual({
        number: 2,
        warning: 'nothing of it is under way any more: held is only what comes later',
      });
      expect((await ports.listSeries({ limit: 2 })).series.map(({ held }) => held)).toContainEqual(['NO_RULE']);
    } finally {
      await spool.close();
    }
  });
});
