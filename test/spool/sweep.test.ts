// Retention on a real folder: what goes when, what stays, and what a kill in the middle leaves to the next sweep.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { writeFileMeta } from '../../src/dicom/part10.js';
import { openLog } from '../../src/observe/log.js';
import { decideSweep } from '../../src/spool/decide-sweep.js';
import { readHeld } from '../../src/spool/holding.js';
import { instanceNameOf, keyOf } from '../../src/spool/key.js';
import { promiseSeries, recordEnd } from '../../src/spool/promises.js';
import { sweptRecord } from '../../src/spool/records.js';
import type { DeliveryClass } from '../../src/spool/records.js';
import { openSpool } from '../../src/spool/open-spool.js';
import type { Spool } from '../../src/spool/spool.js';
import { nextSteps, unlistedFiles } from '../../src/spool/state.js';
import { sweep } from '../../src/spool/sweep.js';
import type { SweepReport } from '../../src/spool/sweep.js';
import { verifySpool } from '../../src/spool/verify.js';
import { makeParents } from '../../src/spool/write-once.js';
import {
  actionRecord,
  decisionRecord,
  deliveryRecord,
  instanceRecord,
  key,
  outcomeRecord,
  seriesRecord,
} from '../support/records.js';
import { withFolder } from '../support/temporary.js';
import { mayMount, openVolume } from '../support/volume.js';

const task = 'ct-low-dose-12345678';
const uids = ['1.1', '1.2'];
const day = 86_400_000;
/** Every record of the fixture is of this moment. */
const then = Date.parse('2026-01-01T00:00:00Z');
const policy = { deliveredMs: 7 * day, recordsMs: 400 * day };
const log = openLog('silent');
const bytesOf = (uid: string): Uint8Array => Uint8Array.from({ length: 500 }, (_, index) => index + uid.length);

async function withSpool(body: (spool: Spool) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const spool = await openSpool({ directory: folder, sync: 'never', host: hostname(), now: Date.now });
    try {
      await body(spool);
    } finally {
      await spool.close();
    }
  });
}

const sweepAt = (spool: Spool, afterDays: number): Promise<SweepReport> =>
  sweep({ spool, policy, log, now: () => then + afterDays * day }, new AbortController().signal);

async function arrive(spool: Spool, uid: string, bytes = bytesOf(uid)): Promise<string> {
  const { sopClassUid, transferSyntaxUid } = instanceRecord(uid);
  const identity = { sopClassUid, sopInstanceUid: uid, transferSyntaxUid };
  const incoming = spool.instances.begin(writeFileMeta(identity));
  incoming.write(bytes);
  const listed = new Map<string, ReadonlySet<string>>();
  for (const { record } of (await spool.state(key)).revisions) {
    for (const { sopInstanceUid, sha256 } of record.instances) listed.set(sopInstanceUid, new Set([sha256]));
  }
  return (await spool.instances.publish(key, incoming, identity, listed)).kind;
}

const recordOf = (uid: string): ReturnType<typeof instanceRecord> => ({
  ...instanceRecord(uid),
  sha256: createHash('sha256').update(bytesOf(uid)).digest('hex'),
  bytes: 500,
});

/** A series that was enhanced and delivered, except as `outcome` says. */
async function deliveredSeries(spool: Spool, outcome: DeliveryClass = 'delivered'): Promise<void> {
  for (const uid of uids) await arrive(spool, uid);
  await spool.publishRevision(seriesRecord(1, uids, { instances: uids.map(recordOf) }));
  await spool.publishDecision(decisionRecord(1));
  const folder = await spool.freshFolder('task');
  await mkdir(join(folder, 'objects'));
  const { instances } = outcomeRecord(uids);
  for (const { file } of instances) await writeFile(join(folder, 'objects', file), file.padEnd(100));
  const sealed = instances.map((instance) => ({
    ...instance,
    sha256: createHash('sha256').update(instance.file.padEnd(100)).digest('hex'),
  }));
  await spool.publishOutcome(key, 1, outcomeRecord(uids, { instances: sealed }), folder);
  await spool.recordDelivery(key, 1, task, deliveryRecord({ '1.1.9': 'delivered', '1.2.9': outcome }));
  await spool.finishIfDone(key);
}

const pixels = async (spool: Spool): Promise<number> =>
  (await readdir(spool.layout.instances(key))).length +
  (await readdir(spool.layout.objects(key, 1, task)).catch(() => [])).length;

/** Has every write to a file of this folder fail as on a full volume while `isFull` says so. */
async function withFullVolume(folder: string, isFull: () => boolean, body: () => Promise<void>): Promise<void> {
  const handle = await open(join(folder, 'spool.json'));
  const files: { writeFile: (...args: unknown[]) => Promise<void> } = Object.getPrototypeOf(handle);
  await handle.close();
  const { writeFile: sound } = files;
  files.writeFile = function writeFileIfRoom(...args) {
    if (!isFull()) return sound.apply(this, args);
    return Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
  };
  try {
    await body();
  } finally {
    files.writeFile = sound;
  }
}

describe('sweeping a full volume', () => {
  const onTestEnd: (() => void)[] = [];
  afterEach(() => {
    for (const end of onTestEnd.splice(0)) end();
  });

  it('writes down what goes in the room that was held for it, and holds room again when it is done', async () => {
    await withSpool(async (spool) => {
      await deliveredSeries(spool);
      const isHeld = (): boolean => existsSync(spool.layout.reserve);
      expect(isHeld()).toBe(true);
      await withFullVolume(spool.layout.root, isHeld, async () => {
        expect(await sweepAt(spool, 8)).toMatchObject({ swept: 1, bytes: 1200, faults: 0 });
      });
      expect(await pixels(spool)).toBe(0);
      expect(existsSync(spool.layout.swept(key, 1))).toBe(true);
      expect(isHeld()).toBe(true);
    });
  });

  it('takes nothing away of which it could not be written down', async () => {
    await withSpool(async (spool) => {
      await deliveredSeries(spool);
      await withFullVolume(
        spool.layout.root,
        () => true,
        async () => {
          expect(await sweepAt(spool, 8)).toMatchObject({ swept: 0, faults: 1 });
        },
      );
      expect(await pixels(spool)).toBe(4);
      expect(existsSync(spool.layout.swept(key, 1))).toBe(false);
      expect(await sweepAt(spool, 8)).toMatchObject({ swept: 1, faults: 0 });
    });
  });

  (mayMount() ? it : it.skip)('of real blocks, after a start on it (a user who may mount)', async () => {
    const volume = openVolume(24);
    onTestEnd.push(() => volume?.remove());
    const directory = join(volume?.path ?? '', 'spool');
    const options = { directory, sync: 'always', host: hostname(), now: Date.now } as const;
    const before = await openSpool(options);
    await deliveredSeries(before);
    await before.close();
    await volume?.fill();
    await expect(writeFile(join(directory, 'more'), 'more')).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(makeParents(join(directory, 'a', 'b'))).rejects.toMatchObject({ code: 'ENOSPC' });
    const spool = await openSpool(options);
    try {
      expect(await sweepAt(spool, 8)).toMatchObject({ swept: 1, bytes: 1200, faults: 0 });
      expect(await pixels(spool)).toBe(0);
      expect((await verifySpool(spool, 'hashes', () => undefined)).faults).toEqual([]);
    } finally {
      await spool.close();
    }
  });
});

describe('a volume without an inode left', () => {
  const asMounter = mayMount() ? it : it.skip;
  asMounter('is swept all the same', async () => {
    const volume = openVolume(24);
    const directory = join(volume?.path ?? '', 'spool');
    const spool = await openSpool({ directory, sync: 'always', host: hostname(), now: Date.now });
    try {
      await deliveredSeries(spool);
      const more = join(volume?.path ?? '', 'more');
      await mkdir(more);
      const fill = async (): Promise<void> => {
        for (let count = 0; ; count++) await writeFile(join(more, `${count}`), '');
      };
      await expect(fill()).rejects.toMatchObject({ code: 'ENOSPC' });
      expect(await sweepAt(spool, 8)).toMatchObject({ swept: 1, bytes: 1200, faults: 0 });
      expect(await pixels(spool)).toBe(0);
    } finally {
      await spool.close();
      volume?.remove();
    }
  });
});

describe('sweeping', () => {
  it('takes a series away of which nothing but damaged files is left, by the time of these', async () => {
    await withSpool(async (spool) => {
      await arrive(spool, '1.1');
      await spool.instances.setAside(key, instanceNameOf('1.1'));
      await spool.finishIfDone(key);
      const damaged = new Date(then);
      await utimes(spool.layout.damaged(key), damaged, damaged);
      expect(await sweepAt(spool, 6.9)).toMatchObject({ forgotten: 0 });
      expect(await readdir(spool.layout.damaged(key))).toHaveLength(1);
      expect(await sweepAt(spool, 7.1)).toMatchObject({ forgotten: 1, faults: 0 });
      expect(await spool.allKeys()).toEqual([]);
    });
  });

  it('takes originals and results away when they are older than keep.delivered, and says so first', async () => {
    await withSpool(async (spool) => {
      await deliveredSeries(spool);
      expect(await sweepAt(spool, 6.9)).toMatchObject({ swept: 0, kept: { originals: 1000, results: 200 } });
      expect(await pixels(spool)).toBe(4);
      expect(await sweepAt(spool, 7.1)).toMatchObject({ series: 1, swept: 1, bytes: 1200, faults: 0 });
      expect(await pixels(spool)).toBe(0);
      const record = sweptRecord.parse(JSON.parse(await readFile(spool.layout.swept(key, 1), 'utf8')));
      expect(record).toMatchObject({ instances: 2, bytes: 1200 });
      const state = await spool.state(key);
      expect(state.revisions[0]?.tasks.get(task)?.outcome?.outcome).toBe('enhanced');
      expect(nextSteps(state).done).toBe(true);
      expect((await verifySpool(spool, 'hashes', () => undefined)).faults).toEqual([]);
      expect(await sweepAt(spool, 8)).toMatchObject({ swept: 0, kept: { originals: 0, results: 0 } });
    });
  });

  it('keeps a series whose delivery was refused until a person discards the rest', async () => {
    await withSpool(async (spool) => {
      await deliveredSeries(spool, 'permanent');
      expect(await sweepAt(spool, 1000)).toMatchObject({ swept: 0, forgotten: 0 });
      expect(await pixels(spool)).toBe(4);
      await spool.recordAction(key, actionRecord({ kind: 'discard' }));
      expect(await spool.finishIfDone(key)).toBe(true);
      expect(await sweepAt(spool, 8)).toMatchObject({ swept: 1 });
    });
  });

  it('keeps the pixels of a series of which this node has promised instances, until that time is over', async () => {
    await withSpool(async (spool) => {
      await deliveredSeries(spool);
      const at = new Date(then).toISOString();
      await promiseSeries(spool, key, 'tx', { at, until: new Date(then + 30 * day).toISOString(), by: 'ct1' });
      expect(await sweepAt(spool, 29)).toMatchObject({ swept: 0, forgotten: 0 });
      expect(await readHeld(spool, await spool.state(key), instanceNameOf('1.1'), '1.1')).toMatchObject({
        kind: 'whole',
      });
      expect(await sweepAt(spool, 31)).toMatchObject({ swept: 1 });
      expect(await readHeld(spool, await spool.state(key), instanceNameOf('1.1'), '1.1')).toEqual({ kind: 'absent' });
    });
  });

  it('holds an instance with other bytes than recorded to be damaged', async () => {
    await withSpool(async (spool) => {
      await deliveredSeries(spool);
      const file = spool.layout.instance(key, instanceNameOf('1.2'));
      const bytes = await readFile(file);
      bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
      await writeFile(file, bytes);
      expect(await readHeld(spool, await spool.state(key), instanceNameOf('1.2'), '1.2')).toEqual({ kind: 'damaged' });
    });
  });

  it('never touches an active series', async () => {
    await withSpool(async (spool) => {
      await deliveredSeries(spool);
      await spool.active.mark(key);
      expect(await sweepAt(spool, 1000)).toMatchObject({ swept: 0, forgotten: 0 });
      expect(await pixels(spool)).toBe(4);
    });
  });

  it.each([
    ['pixels', 8],
    ['records', 1000],
  ])('takes no %s of a series that becomes active once it was looked at', async (_, afterDays) => {
    await withSpool(async (spool) => {
      await deliveredSeries(spool);
      const state = spool.state.bind(spool);
      spool.state = async (of) => {
        const read = await state(of);
        await spool.active.mark(of);
        return read;
      };
      expect(await sweepAt(spool, afterDays)).toMatchObject({ swept: 0, forgotten: 0, faults: 0 });
      expect(await pixels(spool)).toBe(4);
    });
  });

  it('puts an instance back that arrives in the moment in which its series is forgotten', async () => {
    await withSpool(async (spool) => {
      await deliveredSeries(spool);
      const arriving = `${instanceNameOf('1.3')}.dcm`;
      // Its name is made, and not yet the mark of its series.
      spool.isActive = async () => {
        await writeFile(join(spool.layout.instances(key), arriving), 'an instance');
        return false;
      };
      expect(await sweepAt(spool, 1000)).toMatchObject({ forgotten: 1, faults: 0 });
      expect(await readdir(spool.layout.instances(key))).toEqual([arriving]);
      expect(await readFile(join(spool.layout.instances(key), arriving), 'utf8')).toBe('an instance');
      expect([...(await spool.active.keys()).keys()]).toEqual([key]);
    });
  });

  it('finishes what a killed sweep has begun: records written, some files gone', async () => {
    await withSpool(async (spool) => {
      await deliveredSeries(spool);
      await spool.publishSwept(key, 1, { version: 1, at: new Date(then).toISOString(), instances: 2, bytes: 1200 });
      await rm(spool.layout.objects(key, 1, task), { recursive: true });
      expect((await verifySpool(spool, 'names', () => undefined)).faults).toEqual([]);
      expect(await sweepAt(spool, 8)).toMatchObject({ swept: 1, bytes: 1000 });
      expect(await pixels(spool)).toBe(0);
    });
  });

  it('leaves an instance that no revision lists, and one that comes later with a listed UID has a name of its own', async () => {
    await withSpool(async (spool) => {
      await deliveredSeries(spool);
      await sweepAt(spool, 8);
      expect(await arrive(spool, '1.1')).toBe('duplicate');
      expect(await spool.isActive(key)).toBe(false);
      expect(await arrive(spool, '1.1', bytesOf('another'))).toBe('variant');
      expect(await arrive(spool, '1.3')).toBe('stored');
      expect(unlistedFiles(await spool.state(key))).toHaveLength(2);
      expect(await sweepAt(spool, 1000)).toMatchObject({ swept: 0, forgotten: 0 });
      expect(await readdir(spool.layout.instances(key))).toContain(`${instanceNameOf('1.3')}.dcm`);
    });
  });

  it('reads no record of what is swept, neither while records are kept for ever', async () => {
    await withSpool(async (spool) => {
      await deliveredSeries(spool);
      expect(await sweepAt(spool, 8)).toMatchObject({ series: 1, swept: 1 });
      const state = spool.state.bind(spool);
      let reads = 0;
      spool.state = (of) => {
        reads += 1;
        return state(of);
      };
      const keepAll = { deliveredMs: Infinity, recordsMs: Infinity };
      for (const kept of [policy, keepAll]) {
        const deps = { spool, policy: kept, log, now: () => then + 9 * day };
        expect(await sweep(deps, new AbortController().signal)).toMatchObject({ series: 1, swept: 0, faults: 0 });
      }
      expect(reads).toBe(0);
    });
  });

  it('forgets the series when keep.records is over, from whatever state', async () => {
    for (const isSwept of [true, false]) {
      await withSpool(async (spool) => {
        await deliveredSeries(spool);
        if (isSwept) await sweepAt(spool, 8);
        expect(await sweepAt(spool, 399)).toMatchObject({ forgotten: 0 });
        // The sweep's own record counts too, and is of today.
        expect(await sweepAt(spool, (Date.now() - then) / day + 401)).toMatchObject({ forgotten: 1 });
        expect(await spool.allKeys()).toEqual([]);
        const [own] = await readdir(spool.layout.tmp);
        const names = await readdir(join(spool.layout.tmp, own ?? ''));
        expect(names.filter((name) => !name.startsWith('spare-'))).toEqual(['alive']);
      });
    }
  });

  it('knows what it has made for as long as records are kept, and forgets no month before its time', async () => {
    await withSpool(async (spool) => {
      const { instances } = outcomeRecord(uids);
      const made = instances.map((instance, index) => ({ ...instance, sopInstanceUid: `2.25.10${index}` }));
      await spool.publishRevision(seriesRecord(1, uids));
      await spool.publishDecision(decisionRecord(1));
      await spool.publishOutcome(
        key,
        1,
        outcomeRecord(uids, { outcome: 'withheld', code: 'WITHHELD', instances: made }),
        null,
      );
      await spool.active.finish(key, () => Promise.resolve(true));
      const all = ['2.25.1', '2.25.2', '2.25.100', '2.25.101', '1.1'];
      expect([...(await spool.madeAmong(all))].sort()).toEqual(['2.25.1', '2.25.100', '2.25.101']);
      expect(await sweepAt(spool, (Date.now() - then) / day + 401)).toMatchObject({ forgotten: 1 });
      expect([...(await spool.madeAmong(all))].sort()).toEqual(['2.25.1', '2.25.100', '2.25.101']);
      // Marked today, for a month that ends within 31 days.
      await sweepAt(spool, (Date.now() - then) / day + 399);
      expect((await spool.madeAmong(all)).size).toBe(3);
      expect(await readdir(spool.layout.made)).toHaveLength(1);
      await sweepAt(spool, (Date.now() - then) / day + 432);
      expect((await spool.madeAmong(all)).size).toBe(0);
      expect(await readdir(spool.layout.made)).toEqual([]);
    });
  });

  it('knows instances that another series brought, over a restart, for as long as pixels are kept', async () => {
    await withFolder(async (folder) => {
      const openAt = (now = Date.now): Promise<Spool> =>
        openSpool({ directory: folder, sync: 'never', host: hostname(), now });
      const other = keyOf('1.2.3', '1.2.4');
      const first = await openAt();
      expect(await first.seenElsewhere(key, uids)).toEqual({ instances: 0, series: [] });
      expect(await first.seenElsewhere(key, [...uids, '1.3', '1.3'])).toEqual({ instances: 0, series: [] });
      expect(await first.seenElsewhere(other, ['1.3', '1.4'])).toEqual({ instances: 1, series: [key] });
      await first.close();
      const tomorrow = (): number => Date.now() + day;
      const second = await openAt(tomorrow);
      expect(await second.seenElsewhere(other, ['1.1', '1.4', '1.5'])).toEqual({ instances: 1, series: [key] });
      expect(await second.seenElsewhere(key, ['1.5'])).toEqual({ instances: 1, series: [other] });
      expect(await readdir(second.layout.seen)).toHaveLength(2);
      await sweepAt(second, (Date.now() - then) / day + 6.5);
      expect(await second.seenElsewhere(other, ['1.1'])).toEqual({ instances: 1, series: [key] });
      await sweepAt(second, (Date.now() - then) / day + 12);
      expect(await readdir(second.layout.seen)).toEqual([]);
      expect(await second.seenElsewhere(other, uids)).toEqual({ instances: 0, series: [] });
      await second.close();
    });
  });

  it('forgets transactions of storage commitment that have ended, past one whose record is cut', async () => {
    await withSpool(async (spool) => {
      await mkdir(spool.layout.promise('a-cut'), { recursive: true });
      await writeFile(join(spool.layout.promise('a-cut'), 'end.json'), '{"version":1,');
      await recordEnd(spool, 'b-ended', { version: 1, at: new Date(then).toISOString(), how: 'reported', detail: '' });
      const report = await sweepAt(spool, 401);
      expect(report.faults).toBe(1);
      expect(await readdir(spool.layout.promises)).toEqual(['a-cut']);
    });
  });

  it('leaves a series with a record from years ahead alone, and sweeps the others', async () => {
    await withSpool(async (spool) => {
      await deliveredSeries(spool);
      const other = keyOf('1.2.3', '1.2.0');
      const closedAt = new Date(then + 3650 * day).toISOString();
      await spool.publishRevision(seriesRecord(1, [], { key: other, seriesInstanceUid: '1.2.0', closedAt }));
      await spool.publishDecision(decisionRecord(1, { key: other, tasks: [] }));
      await spool.finishIfDone(other);
      expect([...(await spool.active.keys())]).toEqual([]);
      expect(await sweepAt(spool, 8)).toMatchObject({ series: 2, swept: 1, faults: 0 });
      expect((await spool.state(other)).revisions[0]?.swept).toBe(false);
    });
  });

  it('does nothing while the clock stands before the newest record', async () => {
    await withSpool(async (spool) => {
      await deliveredSeries(spool);
      expect(decideSweep(await spool.state(key), 'quiet', policy, then - 1)).toEqual({ kind: 'clock' });
      expect(await sweepAt(spool, -1)).toMatchObject({ swept: 0, forgotten: 0 });
      expect(await pixels(spool)).toBe(4);
    });
  });

  it('refuses to enhance again what is gone', async () => {
    await withSpool(async (spool) => {
      await deliveredSeries(spool);
      await sweepAt(spool, 8);
      await expect(spool.recordAction(key, actionRecord({ kind: 'requeue' }))).rejects.toMatchObject({
        code: 'SPOOL_SWEPT',
      });
    });
  });
});

describe('verifying', () => {
  it('finds a missing original, a missing object, changed bytes and a record that does not fit', async () => {
    await withSpool(async (spool) => {
      await deliveredSeries(spool);
      const says = async (depth: 'names' | 'hashes'): Promise<string[]> =>
        (await verifySpool(spool, depth, () => undefined)).faults.map((fault) => fault.says);
      expect(await says('hashes')).toEqual([]);
      const original = spool.layout.instance(key, instanceNameOf('1.1'));
      const bytes = await readFile(original);
      bytes[bytes.length - 1] = 0xff;
      await writeFile(original, bytes);
      await writeFile(spool.objectFile(key, 1, task, '00002.dcm'), 'other');
      expect(await says('names')).toEqual([]);
      expect(await says('hashes')).toEqual([
        `instances/${instanceNameOf('1.1')}.dcm has other bytes than its record tells`,
        `r1/results/${task}/objects/00002.dcm has other bytes than its record tells`,
      ]);
      await rm(original);
      await rm(spool.objectFile(key, 1, task, '00002.dcm'));
      expect(await says('names')).toEqual([
        `instances/${instanceNameOf('1.1')}.dcm is missing`,
        `r1/results/${task}/objects/00002.dcm is missing`,
      ]);
      await writeFile(join(spool.layout.revision(key, 1), 'decision.json'), '{"version":1}');
      expect(await says('names')).toEqual([expect.stringContaining('decision.json does not fit its schema')]);
    });
  });

  it('tells of each file that the disk does not give, and looks at all others', async () => {
    await withSpool(async (spool) => {
      await deliveredSeries(spool);
      const says = async (): Promise<string[]> =>
        (await verifySpool(spool, 'hashes', () => undefined)).faults.map((fault) => fault.says);
      const notGiven = async (file: string): Promise<void> => {
        await rm(file);
        await mkdir(file);
      };
      await notGiven(spool.layout.instance(key, instanceNameOf('1.1')));
      await notGiven(spool.objectFile(key, 1, task, '00001.dcm'));
      await rm(spool.objectFile(key, 1, task, '00002.dcm'));
      expect(await says()).toEqual([
        `instances/${instanceNameOf('1.1')}.dcm is not given by the file system (EISDIR)`,
        `r1/results/${task}/objects/00001.dcm is not given by the file system (EISDIR)`,
        `r1/results/${task}/objects/00002.dcm is missing`,
      ]);
      await notGiven(join(spool.layout.revision(key, 1), 'decision.json'));
      expect(await says()).toEqual([expect.stringMatching(/r1\/decision.json is not given by the file system/)]);
    });
  });

  it.each([
    ['r1/series.json', 'r1/series.json'],
    ['r1', 'r1/series.json'],
    ['r1/decision.json', 'r1/decision.json'],
    [`r1/results/${task}/outcome.json`, `r1/results/${task}/outcome.json`],
    ['actions/001.json', 'actions/001.json'],
  ])('tells of a lost %s, and does not wake the series without it', async (lost, says) => {
    await withSpool(async (spool) => {
      await deliveredSeries(spool);
      await spool.publishRevision(seriesRecord(2, uids, { instances: uids.map(recordOf) }));
      await spool.recordAction(key, actionRecord({ kind: 'hold' }));
      await spool.recordAction(key, actionRecord({ kind: 'release' }));
      await rm(join(spool.layout.active, key));
      await rm(join(spool.layout.series(key), lost), { recursive: true });
      const { faults, woken } = await verifySpool(spool, 'names', () => undefined);
      expect(faults).toEqual([{ key, says: `${says} is missing: put it back from a copy of the spool` }]);
      expect(woken).toEqual([]);
    });
  });

  it('takes a revision with the document of a withdrawal for one that is still to be decided', async () => {
    await withSpool(async (spool) => {
      await deliveredSeries(spool);
      await spool.publishRevision(seriesRecord(2, uids, { instances: uids.map(recordOf) }));
      const document = outcomeRecord([], { task: 'withdrawal-01', outcome: 'withdrawal', seriesInstanceUid: null });
      await spool.publishOutcome(key, 2, document, null);
      expect((await verifySpool(spool, 'names', () => undefined)).faults).toEqual([]);
    });
  });

  it('makes a result anew whose record is lost, instead of running its task for ever', async () => {
    await withSpool(async (spool) => {
      await deliveredSeries(spool);
      await rm(join(spool.layout.result(key, 1, task), 'outcome.json'));
      expect(nextSteps(await spool.state(key)).steps).toEqual([{ kind: 'task', revision: 1, task }]);
      const failed = outcomeRecord([], { outcome: 'failed', code: 'POISON', seriesInstanceUid: null });
      expect(await spool.publishOutcome(key, 1, failed, null)).toBe(true);
      expect(nextSteps(await spool.state(key)).steps).toEqual([]);
      expect(await spool.publishOutcome(key, 1, outcomeRecord(uids), null)).toBe(false);
    });
  });

  it('wakes a series that has something left to do and no marker', async () => {
    await withSpool(async (spool) => {
      await arrive(spool, '1.1');
      await rm(join(spool.layout.active, key));
      expect((await verifySpool(spool, 'names', () => undefined)).woken).toEqual([key]);
      expect(await spool.isActive(key)).toBe(true);
    });
  });
});
