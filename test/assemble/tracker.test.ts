import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Tracker } from '../../src/assemble/tracker.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { arrivalMeta } from '../../src/spool/arrival.js';
import type { ArrivalSource } from '../../src/spool/arrival.js';
import { instanceNameOf, keyOf } from '../../src/spool/key.js';
import type { SeriesRecord } from '../../src/spool/records.js';
import { openSpool } from '../../src/spool/open-spool.js';
import type { Spool } from '../../src/spool/spool.js';
import { unlistedFiles } from '../../src/spool/state.js';
import { verifySpool } from '../../src/spool/verify.js';
import { actionRecord, decisionRecord } from '../support/records.js';
import { assemblyFacts } from '../support/assembly-facts.js';
import { withFolder } from '../support/temporary.js';

const source: ArrivalSource = { peer: 'ct1', callingAe: 'CT1', calledAe: 'LIMPID', address: '127.0.0.1' };
const studyInstanceUid = '1.2.3';
const seriesInstanceUid = '1.2.3.4';
const key = keyOf(studyInstanceUid, seriesInstanceUid);
const explicitLittleEndian = '1.2.840.10008.1.2.1';
const ctImage = '1.2.840.10008.5.1.4.1.1.2';

/** A data set of the attributes that assembling reads, Explicit VR Little Endian. */
function dataSet(sopInstanceUid: string, z: number): Buffer {
  const element = (group: number, number: number, vr: string, value: string): Buffer => {
    const text = value.length % 2 === 0 ? value : value + (vr === 'UI' ? '\0' : ' ');
    const head = Buffer.alloc(8);
    head.writeUInt16LE(group, 0);
    head.writeUInt16LE(number, 2);
    head.write(vr, 4, 'latin1');
    head.writeUInt16LE(text.length, 6);
    return Buffer.concat([head, Buffer.from(text, 'latin1')]);
  };
  return Buffer.concat([
    element(0x0008, 0x0016, 'UI', ctImage),
    element(0x0008, 0x0018, 'UI', sopInstanceUid),
    element(0x0008, 0x0060, 'CS', 'CT'),
    element(0x0020, 0x000d, 'UI', studyInstanceUid),
    element(0x0020, 0x000e, 'UI', seriesInstanceUid),
    element(0x0020, 0x0032, 'DS', `0\\0\\${z}`),
    element(0x0020, 0x0037, 'DS', '1\\0\\0\\0\\1\\0'),
  ]);
}

interface Bench {
  readonly spool: Spool;
  readonly tracker: Tracker;
  /** An instance comes as the receiver would bring it. */
  readonly bring: (sopInstanceUid: string, z: number, association: number | null) => Promise<void>;
  /** The next revision that is announced. */
  readonly closed: () => Promise<SeriesRecord>;
  readonly openTracker: () => Tracker;
}

/** Longer than a busy machine takes to bring the next instance. */
const policy = { quietMs: 2_000, releasedMs: 40, gapsMs: 3_000, longestMs: 30_000 };

async function withBench<T>(body: (bench: Bench) => Promise<T>, longestMs = policy.longestMs): Promise<T> {
  return withFolder(async (directory) => {
    const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
    const announced: SeriesRecord[] = [];
    const waiting: ((record: SeriesRecord) => void)[] = [];
    const trackers: Tracker[] = [];
    const openTracker = (): Tracker => {
      const tracker = new Tracker({
        spool,
        announce: (record) => {
          const next = waiting.shift();
          if (next === undefined) announced.push(record);
          else next(record);
          return Promise.resolve();
        },
        policy: () => ({ ...policy, longestMs }),
        log: openLog('silent'),
        metrics: openMetrics(),
        now: Date.now,
        monotonic: () => performance.now(),
      });
      trackers.push(tracker);
      return tracker;
    };
    const tracker = openTracker();
    try {
      return await body({
        spool,
        tracker,
        openTracker,
        closed: () => {
          const first = announced.shift();
          return first === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(first);
        },
        bring: (uid, z, association) => bring(spool, tracker, uid, z, association),
      });
    } finally {
      for (const open of trackers) await open.close();
      await spool.close();
    }
  });
}

async function bring(
  spool: Spool,
  tracker: Tracker,
  sopInstanceUid: string,
  z: number,
  association: number | null,
): Promise<void> {
  const identity = { sopClassUid: ctImage, sopInstanceUid, transferSyntaxUid: explicitLittleEndian };
  const incoming = spool.instances.begin(arrivalMeta(identity, { ...source, port: 104 }, Date.now()));
  incoming.write(dataSet(sopInstanceUid, z));
  const published = await spool.instances.publish(key, incoming, identity, await tracker.listed(key));
  if (published.kind === 'duplicate' && association !== null) tracker.repeated(key, association);
  if (published.kind === 'duplicate' || published.kind === 'refused') return;
  tracker.arrived({
    key,
    kind: published.kind,
    instance: published.instance,
    source,
    association,
    facts: assemblyFacts({
      studyInstanceUid,
      seriesInstanceUid,
      position: [0, 0, z],
      orientation: [1, 0, 0, 0, 1, 0],
    }),
  });
}

describe('the tracker', () => {
  it('closes one revision of what several associations brought, when the last is released', async () => {
    await withBench(async ({ bring: comes, tracker, closed, spool }) => {
      await Promise.all([comes('1.1', 0, 1), comes('1.2', 1, 2), comes('1.3', 2, 1), comes('1.4', 3, 2)]);
      tracker.associationEnded(1, 'released');
      tracker.associationEnded(2, 'released');
      const record = await closed();
      expect(record).toMatchObject({
        revision: 1,
        cause: 'arrival',
        closed: 'released',
        studyInstanceUid,
        seriesInstanceUid,
      });
      expect(record.instances.map(({ sopInstanceUid }) => sopInstanceUid).sort()).toEqual(['1.1', '1.2', '1.3', '1.4']);
      expect((await spool.state(key)).revisions).toHaveLength(1);
    });
  });

  it('closes one revision of a series that comes with one association an image', async () => {
    await withBench(async ({ bring: comes, tracker, closed }) => {
      for (let index = 0; index < 5; index += 1) {
        await comes(`1.${index}`, index, index);
        tracker.associationEnded(index, 'released');
      }
      expect(await closed()).toMatchObject({ revision: 1, closed: 'quiet' });
    });
  });

  it.each(['aborted', 'lost', 'incomplete'] as const)(
    'waits for the sender of an association that ended %s, also when the one beside it is released',
    async (how) => {
      await withBench(async ({ bring: comes, tracker, closed }) => {
        await Promise.all([comes('1.1', 0, 1), comes('1.2', 1, 1), comes('1.3', 2, 2), comes('1.4', 3, 2)]);
        tracker.associationEnded(1, how);
        tracker.associationEnded(2, 'released'); // no position is missing: what was to come lies behind the last
        expect(await closed()).toMatchObject({ closed: 'quiet' });
      });
    },
  );

  it('does not wait once that sender has come back and its association is released', async () => {
    await withBench(async ({ bring: comes, tracker, closed }) => {
      await Promise.all([comes('1.1', 0, 1), comes('1.2', 1, 1), comes('1.3', 2, 2), comes('1.4', 3, 2)]);
      tracker.associationEnded(1, 'lost');
      tracker.associationEnded(2, 'released');
      await comes('1.5', 4, 3);
      await comes('1.6', 5, 3);
      tracker.associationEnded(3, 'released');
      const record = await closed();
      expect(record.closed).toBe('released');
      expect(record.instances).toHaveLength(6);
    });
  });

  it('waits longer where a position is missing, and says so', async () => {
    await withBench(async ({ bring: comes, tracker, closed }) => {
      for (const [index, z] of [0, 1, 2, 4, 5].entries()) await comes(`1.${index}`, z, 1);
      tracker.associationEnded(1, 'released');
      const started = performance.now();
      const record = await closed();
      expect(performance.now() - started).toBeGreaterThan(policy.quietMs);
      expect(record.warnings.map(({ code }) => code)).toEqual(['GAPS']);
    });
  });

  it('opens the next revision over everything when a slice comes late', async () => {
    await withBench(async ({ bring: comes, tracker, closed }) => {
      await comes('1.1', 0, 1);
      await comes('1.2', 1, 1);
      tracker.associationEnded(1, 'released');
      await closed();
      await comes('1.3', 2, 2);
      tracker.associationEnded(2, 'released');
      const second = await closed();
      expect(second).toMatchObject({ revision: 2, cause: 'late', closed: 'quiet' });
      expect(second.instances).toHaveLength(3);
    });
  });

  it('takes up what a killed process left, with who sent it', async () => {
    await withBench(async ({ bring: comes, tracker, openTracker, closed }) => {
      await comes('1.1', 0, 1);
      await comes('1.2', 1, 1);
      await tracker.close();
      openTracker().start();
      const record = await closed();
      expect(record.instances).toHaveLength(2);
      expect(record.sources).toEqual([source]);
    });
  });

  it('keeps nobody waiting for its first look, and closes an unread series whole when more of it comes meanwhile', async () => {
    await withBench(async ({ bring: comes, tracker, openTracker, closed, spool }) => {
      await comes('1.1', 0, 1);
      await tracker.close();
      const others = Array.from({ length: 20 }, (_, number) => keyOf('1.2.9', `1.2.9.${number}`));
      for (const one of others) await spool.active.mark(one);
      const read = spool.state.bind(spool);
      const asked: (() => void)[] = [];
      spool.state = async (of) => {
        if (others.includes(of)) await new Promise<void>((resolve) => asked.push(resolve));
        return read(of);
      };
      const after = openTracker();
      after.start();
      while (asked.length < 7) await new Promise((resolve) => setTimeout(resolve, 5));
      await bring(spool, after, '1.2', 1, 7);
      after.associationEnded(7, 'released');
      const record = await closed();
      expect(record.instances.map(({ sopInstanceUid }) => sopInstanceUid).sort()).toEqual(['1.1', '1.2']);
      expect(asked.length).toBeLessThanOrEqual(8); // they wait still
      const ended = after.close();
      for (const answer of asked.splice(0)) answer();
      await ended;
      expect(asked).toEqual([]); // no further one was looked at
    });
  });

  it('publishes nothing of a series that was being read when it was closed', async () => {
    await withBench(async ({ bring: comes, tracker, closed, spool, openTracker }) => {
      await comes('1.1', 0, 1);
      await closed();
      await tracker.close();
      await spool.publishDecision(decisionRecord(1, { key, tasks: [] }));
      await spool.recordAction(key, actionRecord({ kind: 'requeue', newUids: true }));
      const after = openTracker();
      const read = spool.state.bind(spool);
      const ended = new Promise<void>((resolve) => {
        spool.state = (of) => {
          resolve(after.close());
          return read(of);
        };
      });
      after.start();
      await ended;
      expect((await read(key)).revisions).toHaveLength(1);
    });
  });

  it('takes up the others where a series cannot be read, and that one once it can', async () => {
    await withBench(async ({ bring: comes, tracker, openTracker, closed, spool }) => {
      await comes('1.1', 0, 1);
      await tracker.close();
      const sick = [1, 2, 3].map((number) => keyOf('1.2.9', `1.2.9.${number}`));
      for (const one of sick) {
        await mkdir(spool.layout.revision(one, 1), { recursive: true });
        await writeFile(join(spool.layout.revision(one, 1), 'series.json'), '');
        await spool.active.mark(one);
      }
      openTracker().start();
      expect((await closed()).key).toBe(key);
    });
  });

  it('counts instances that come again: a sender that begins anew has not stopped', async () => {
    await withBench(async ({ bring: comes, tracker, openTracker, closed }) => {
      await comes('1.1', 0, 1);
      await comes('1.2', 1, 1);
      await tracker.close();
      const after = openTracker();
      after.start();
      const started = performance.now();
      while (performance.now() - started < 1.5 * policy.quietMs) {
        after.repeated(key, 7);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect(after.pendingSeries).toBe(1);
      after.associationEnded(7, 'released');
      expect(await closed()).toMatchObject({ revision: 1, closed: 'released' });
    });
  });

  it('lists what was left by a process that was killed before it had marked the series', async () => {
    await withBench(async ({ spool, openTracker, closed }) => {
      const identity = { sopClassUid: ctImage, sopInstanceUid: '1.1', transferSyntaxUid: explicitLittleEndian };
      const file = spool.layout.instance(key, instanceNameOf('1.1'));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(
        file,
        Buffer.concat([arrivalMeta(identity, { ...source, port: 104 }, Date.now()), dataSet('1.1', 0)]),
      );
      const restarted = openTracker();
      restarted.start();
      // All comes again: of the first the series hears that it was there.
      for (const [index, uid] of ['1.1', '1.2', '1.3'].entries()) await bring(spool, restarted, uid, index, 1);
      restarted.associationEnded(1, 'released');
      const { instances } = await closed();
      expect(instances.map(({ sopInstanceUid }) => sopInstanceUid).sort()).toEqual(['1.1', '1.2', '1.3']);
      expect((await spool.state(key)).revisions).toHaveLength(1);
    });
  });

  it('lists an instance that comes while the longest wait ends', async () => {
    await withBench(async ({ bring: comes, closed, spool }) => {
      await comes('1.1', 0, 1);
      const read = spool.state.bind(spool);
      let late: Promise<void> | null = null;
      spool.state = async (of) => {
        const state = await read(of);
        late ??= comes('1.2', 1, 1);
        await late;
        return state;
      };
      expect(await closed()).toMatchObject({ closed: 'timeout', instances: [{}, {}] });
    }, 200);
  });

  it('answers a requeue with the next revision of the same instances, once', async () => {
    await withBench(async ({ bring: comes, tracker, closed, spool }) => {
      await comes('1.1', 0, 1);
      const first = await closed();
      await spool.publishDecision(decisionRecord(1, { key, tasks: [] }));
      tracker.start();
      const file = await spool.recordAction(key, actionRecord({ kind: 'requeue', newUids: true }));
      const second = await closed();
      expect(second).toMatchObject({ revision: 2, cause: 'requeue', closed: 'operator', remake: 2, action: file });
      expect(second.instances).toEqual(first.instances);
      await spool.active.touch(key);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      expect((await spool.state(key)).revisions).toHaveLength(2);
    });
  });

  it('answers a requeue with the second copy where an instance came twice, and with new UIDs', async () => {
    await withBench(async ({ bring: comes, tracker, closed, spool }) => {
      await comes('1.1', 0, 1);
      await comes('1.1', 7, 1);
      await comes('1.2', 1, 1);
      tracker.associationEnded(1, 'released');
      const first = await closed();
      await spool.publishDecision(decisionRecord(1, { key, tasks: [] }));
      tracker.start();
      await spool.recordAction(key, actionRecord({ kind: 'requeue' }));
      const second = await closed();
      expect(second).toMatchObject({ cause: 'requeue', remake: 2, variants: [] });
      const of = (uid: string, { instances }: typeof first) =>
        instances.find(({ sopInstanceUid }) => sopInstanceUid === uid);
      expect(of('1.1', second)).toEqual(first.variants[0]);
      expect(of('1.2', second)).toEqual(of('1.2', first));
    });
  });

  it('lists a second copy with other bytes as a variant, beside the first', async () => {
    await withBench(async ({ bring: comes, closed, tracker }) => {
      await comes('1.1', 0, 1);
      await comes('1.1', 7, 1);
      tracker.associationEnded(1, 'released');
      const record = await closed();
      expect(record.instances).toHaveLength(1);
      expect(record.variants).toHaveLength(1);
    });
  });

  it.each([
    ['cut off at its beginning', (whole: Buffer) => whole.subarray(0, 100)],
    [
      'cut off behind its file meta group',
      (whole: Buffer) => whole.subarray(0, whole.length - dataSet('1.2', 1).length),
    ],
    ['of nothing', () => Buffer.alloc(0)],
    ['of zeros', (whole: Buffer) => Buffer.alloc(whole.length)],
    ['of zeros behind its file meta group', (whole: Buffer) => whole.fill(0, whole.length - dataSet('1.2', 1).length)],
  ])('sets a file aside that is %s after power failed, and goes on with the series', async (_, damage) => {
    await withBench(async ({ bring: comes, tracker, closed, spool, openTracker }) => {
      await comes('1.1', 0, 1);
      await comes('1.2', 1, 1);
      await tracker.close();
      const file = instanceNameOf('1.2');
      const path = spool.layout.instance(key, file);
      await writeFile(path, damage(await readFile(path)));
      const after = openTracker();
      after.start();
      const first = await closed();
      expect(first.instances.map(({ sopInstanceUid }) => sopInstanceUid)).toEqual(['1.1']);
      expect(unlistedFiles(await spool.state(key))).toEqual([]);
      expect(await readdir(spool.layout.damaged(key))).toEqual([`${file}.dcm`]);
      const { faults } = await verifySpool(spool, 'names', () => undefined);
      expect(faults.map(({ says }) => says)).toEqual([`damaged/${file}.dcm could not be read and was set aside`]);
      await bring(spool, after, '1.2', 1, 2);
      const second = await closed();
      expect(second.instances.map(({ sopInstanceUid }) => sopInstanceUid).sort()).toEqual(['1.1', '1.2']);
      expect(second.variants).toEqual([]);
    });
  });
});
