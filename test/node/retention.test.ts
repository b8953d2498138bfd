// The sweep of a node whose clock has leapt ahead: nothing is taken away before somebody had a day to see it.
import { readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { startRetention } from '../../src/node/retention.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import type { Metrics } from '../../src/observe/metrics.js';
import { untrustedUntil } from '../../src/spool/clock-leap.js';
import { decideSweep } from '../../src/spool/decide-sweep.js';
import { openSpool } from '../../src/spool/open-spool.js';
import type { Spool } from '../../src/spool/spool.js';
import type { SeriesState } from '../../src/spool/series-state.js';
import { decisionRecord, key, seriesRecord } from '../support/records.js';
import { withFolder } from '../support/temporary.js';

const hour = 3_600_000;
const day = 24 * hour;
const then = Date.parse('2026-01-01T00:00:00Z');
const policy = { deliveredMs: 7 * day, recordsMs: 400 * day };

/** One sweep of a node that starts at a time. */
async function startAt(spool: Spool, atMs: number): Promise<void> {
  const deps = { spool, policy, log: openLog('silent'), metrics: openMetrics(), now: () => atMs };
  let swept = (): void => {};
  const ended = new Promise<void>((resolve) => (swept = resolve));
  const metrics = { ...deps.metrics, set: () => swept() };
  const retention = startRetention({ ...deps, metrics });
  await ended;
  await retention.close();
}

/** A series with nothing left to do, of which every record is of `then`. */
async function withSeries(body: (spool: Spool) => Promise<void>): Promise<void> {
  await withFolder(async (directory) => {
    const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: () => then });
    try {
      await spool.publishRevision(seriesRecord(1, []));
      await spool.publishDecision(decisionRecord(1, { tasks: [] }));
      await spool.active.finish(key, () => Promise.resolve(true));
      await body(spool);
    } finally {
      await spool.close();
    }
  });
}

const isSwept = async (spool: Spool): Promise<boolean> => (await spool.state(key)).revisions[0]?.swept ?? true;

describe('retention under a clock that has leapt ahead', () => {
  it('takes nothing away for a day, over restarts too, and goes on then', () =>
    withSeries(async (spool) => {
      await startAt(spool, then + hour);
      const leapt = then + 3650 * day;
      await startAt(spool, leapt);
      expect(await isSwept(spool)).toBe(false);
      for (const later of [1, 12, 23]) await startAt(spool, leapt + later * hour);
      expect(await isSwept(spool)).toBe(false);
      await startAt(spool, leapt + 24 * hour);
      expect(await isSwept(spool)).toBe(true);
    }));
  it.each([
    ['empty', ''],
    ['filled with zeros', '\0'.repeat(13)],
  ])('waits the day also where a power cut has left the marker of the leap %s', (_how, text) =>
    withSeries(async (spool) => {
      await startAt(spool, then + hour);
      const leapt = then + 3650 * day;
      await startAt(spool, leapt);
      await writeFile(spool.layout.clockLeapt, text);
      await utimes(spool.layout.clockLeapt, leapt / 1000, leapt / 1000);
      await startAt(spool, leapt + hour);
      expect(await isSwept(spool)).toBe(false);
    }),
  );
  it('goes by the clock at once when it has been set back', () =>
    withSeries(async (spool) => {
      await startAt(spool, then + hour);
      await startAt(spool, then + 3650 * day);
      for (let days = 1; days <= 7; days += 0.5) await startAt(spool, then + days * day);
      expect(await isSwept(spool)).toBe(false);
      await startAt(spool, then + 7.5 * day);
      expect(await isSwept(spool)).toBe(true);
    }));
  it('takes away what is due where the clock goes on as it should', () =>
    withSeries(async (spool) => {
      for (let days = 0.5; days <= 7.5; days += 0.5) await startAt(spool, then + days * day);
      expect(await isSwept(spool)).toBe(true);
    }));
});

/** Hours that the clock is off, each for some hours: less than a day in all before somebody sets it right. */
const fault = fc
  .array(
    fc.record({
      offDays: fc.integer({ min: -20, max: 2000 }).map((n) => 2 * n),
      hours: fc.integer({ min: 1, max: 5 }),
    }),
    {
      minLength: 1,
      maxLength: 4,
    },
  )
  .filter((parts) => parts.every(({ offDays }) => offDays !== 0));

it('nothing goes before its time whatever a clock shows for less than a day, and what was recorded then keeps itself alone', () =>
  withSeries(async (spool) => {
    const sound = await spool.state(key);
    const recordedAt = (atMs: number): SeriesState => ({
      ...sound,
      revisions: sound.revisions.map((revision) => ({
        ...revision,
        record: { ...revision.record, closedAt: new Date(atMs).toISOString() },
      })),
    });
    const look = async (state: SeriesState, nowMs: number): Promise<string> => {
      if ((await untrustedUntil(spool.layout, nowMs)) !== null) return 'keep';
      return decideSweep(state, 'quiet', policy, nowMs).kind;
    };
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { maxLength: 3 }), async (faults) => {
        for (const marker of [spool.layout.clockSeen, spool.layout.clockLeapt]) await rm(marker, { force: true });
        let hours = 1;
        let newestMs = then;
        await look(sound, then + hours * hour);
        for (const parts of faults) {
          for (const { offDays, hours: long } of parts) {
            for (let each = 0; each < long; each++) {
              hours += 1;
              newestMs = Math.max(newestMs, then + hours * hour + offDays * day);
              expect(await look(sound, then + hours * hour + offDays * day)).not.toMatch(/pixels|records/);
            }
          }
          hours += 1;
          expect(await look(sound, then + hours * hour)).not.toMatch(/pixels|records/);
        }
        for (; hours < 7 * 24; hours += 6) expect(await look(sound, then + hours * hour)).toBe('keep');
        for (; hours < 10 * 24; hours += 6) await look(sound, then + hours * hour);
        expect(await look(sound, then + 10 * day)).toBe('pixels');
        if (newestMs > then + 10 * day) expect(await look(recordedAt(newestMs), then + 10 * day)).toBe('clock');
        expect(await look(sound, then + 10 * day)).toBe('pixels');
      }),
      {
        numRuns: 40,
        examples: [
          [
            [
              [
                { offDays: 3650, hours: 3 },
                { offDays: 1826, hours: 3 },
              ],
            ],
          ],
        ],
      },
    );
  }));

it('a finished series with a record that is cut is a fault of the sweep, until that is mended', () =>
  withSeries(async (spool) => {
    const record = join(spool.layout.revision(key, 1), 'decision.json');
    const faults = async (): Promise<number> => {
      let told = (_faults: number): void => {};
      const swept = new Promise<number>((resolve) => (told = resolve));
      const metrics: Metrics = {
        ...openMetrics(),
        set: (name, _labels, value) => (name === 'spool_sweep_faults' ? told(value) : undefined),
      };
      const retention = startRetention({ spool, policy, log: openLog('silent'), metrics, now: () => then + hour });
      const count = await swept;
      await retention.close();
      return count;
    };
    expect((await spool.active.keys()).size).toBe(0);
    const whole = await readFile(record);
    await writeFile(record, '{"version":1,');
    expect(await faults()).toBe(1);
    await writeFile(record, whole);
    expect(await faults()).toBe(0);
  }));
