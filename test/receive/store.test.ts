// The C-STORE service over a real spool: what it answers, and what is there afterwards.
import { hostname } from 'node:os';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { encodeReleaseRequest } from '../../src/io/dimse/pdu.js';
import { openMetrics } from '../../src/observe/metrics.js';
import type { Pressure } from '../../src/receive/decide-pressure.js';
import { Quotas } from '../../src/receive/quotas.js';
import { openStoreService } from '../../src/receive/store.js';
import { openSpool } from '../../src/spool/open-spool.js';
import type { Spool } from '../../src/spool/spool.js';
import { readTallies, recordTallies } from '../../src/spool/tallies.js';
import {
  associateRequest,
  commandPdu,
  dataPdu,
  dataSet,
  echoRequest,
  fragments,
  storeRequest,
} from '../support/dimse-bytes.js';
import { scriptedPeer } from '../support/scripted-peer.js';
import { openFolder } from '../support/temporary.js';
import { type TestScp, openTestScp, silentLog } from '../support/test-scp.js';

let folder: Awaited<ReturnType<typeof openFolder>>;
let spool: Spool;
let node: TestScp;
let quotas: Quotas | null = null;
let pressure: Pressure = { kind: 'none' };
let variants: 'keep' | 'refuse' = 'keep';
const arrived: string[] = [];
const ended: string[] = [];
/** Comments of the refusals that the log tells of. */
const told: unknown[] = [];

/** What publishing, and taking bytes, wait for. */
let disk: Promise<void>;

/** The spool on a disk that answers when `disk` does. */
function slowSpool(real: Spool): Spool {
  const instances = new Proxy(real.instances, {
    get(target, name) {
      if (name === 'begin') {
        return (...args: Parameters<typeof target.begin>) => {
          const incoming = target.begin(...args);
          const drained = incoming.drained.bind(incoming);
          return Object.assign(incoming, { drained: () => disk.then(drained) });
        };
      }
      if (name === 'publish')
        return (...args: Parameters<typeof target.publish>) => disk.then(() => target.publish(...args));
      return Reflect.get(target, name, target) as unknown;
    },
  });
  return new Proxy(real, {
    get: (target, name) => (name === 'instances' ? instances : (Reflect.get(target, name, target) as unknown)),
  });
}

beforeEach(async () => {
  pressure = { kind: 'none' };
  variants = 'keep';
  quotas = null;
  arrived.length = 0;
  ended.length = 0;
  told.length = 0;
  folder = await openFolder();
  spool = await openSpool({ directory: folder.path, sync: 'never', host: hostname(), now: Date.now });
  await spool.instances.start();
  disk = Promise.resolve();
  const service = openStoreService({
    spool: slowSpool(spool),
    listed: () => Promise.resolve(new Map()),
    arrived: ({ kind }) => void arrived.push(kind),
    repeated: () => void arrived.push('repeated'),
    associationEnded: (_association, how) => void ended.push(how),
    pressure: () => pressure,
    // Longer than the disk of a busy machine takes.
    diskMs: 4000,
    variants: () => variants,
    quotas: { kept: (...kept) => quotas?.kept(...kept), used: (peer) => quotas?.used(peer) ?? 0 },
    log: {
      ...silentLog,
      warn: (event, fields) => void (event === 'object refused' && told.push(fields?.['comment'])),
    },
    metrics: openMetrics(),
    now: Date.now,
  });
  node = await openTestScp({ service });
});
afterEach(async () => {
  await node.scp.close();
  await spool.close();
  await folder.remove();
});

const object = (uid: string, messageId: number, pixelBytes = 1000): Buffer[] => [
  commandPdu(1, storeRequest(uid, { messageId })),
  dataPdu(1, dataSet({ sopInstanceUid: uid, pixelBytes })),
];

async function answersTo(...pdus: readonly Buffer[]): Promise<string[]> {
  const peer = await scriptedPeer(node.scp.port);
  peer.send(associateRequest(), ...pdus, commandPdu(3, echoRequest(99)));
  while (!peer.log.includes('RSP 8030 #99 0000') && !peer.isClosed()) await peer.until(peer.log.length + 1);
  peer.destroy();
  return peer.responses.slice(0, -1).map(({ status = -1 }) => status.toString(16).padStart(4, '0'));
}

/** Instance files, and temporary ones that nobody has taken away. */
async function files(): Promise<{ kept: number; left: number }> {
  const all = await readdir(folder.path, { recursive: true, withFileTypes: true });
  const paths = all.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return {
    kept: paths.filter((path) => path.includes('/instances/')).length,
    left: paths.filter((path) => path.includes('/tmp/') && path.includes('incoming')).length,
  };
}

describe('the same SOP Instance UID again', () => {
  it('with the same bytes: 0000, kept once', async () => {
    expect(await answersTo(...object('1.2.1', 1), ...object('1.2.1', 2))).toEqual(['0000', '0000']);
    expect(arrived).toEqual(['stored', 'repeated']);
    expect(await files()).toEqual({ kept: 1, left: 0 });
  });
  it('with other bytes: 0000 and both are kept', async () => {
    expect(await answersTo(...object('1.2.1', 1))).toEqual(['0000']);
    expect(await answersTo(...object('1.2.1', 2, 2000))).toEqual(['0000']);
    expect(arrived).toEqual(['stored', 'variant']);
    expect(await files()).toEqual({ kept: 2, left: 0 });
  });
  it('with other bytes where the site refuses that: 0111, and nothing of it stays', async () => {
    variants = 'refuse';
    // one after the other: of pipelined ones either may be the first that is whole
    expect(await answersTo(...object('1.2.1', 1))).toEqual(['0000']);
    expect(await answersTo(...object('1.2.1', 2, 2000))).toEqual(['0111']);
    expect(await answersTo(...object('1.2.1', 3))).toEqual(['0000']);
    expect(arrived).toEqual(['stored', 'repeated']);
    expect(await files()).toEqual({ kept: 1, left: 0 });
  });
});

describe('pressure', () => {
  it('slows down: the instance is kept, its answer comes later', async () => {
    pressure = { kind: 'slow', delayMs: 300 };
    const started = performance.now();
    expect(await answersTo(...object('1.2.1', 1))).toEqual(['0000']);
    expect(performance.now() - started).toBeGreaterThan(290);
    expect((await files()).kept).toBe(1);
  });
  it('refuses instances with A700 and takes them again when it is over', async () => {
    pressure = { kind: 'refuse-instances', why: 'Out of storage space' };
    expect(await answersTo(...object('1.2.1', 1))).toEqual(['a700']);
    expect(await files()).toEqual({ kept: 0, left: 0 });
    pressure = { kind: 'none' };
    expect(await answersTo(...object('1.2.1', 1))).toEqual(['0000']);
  });
  it('says of an association of which an instance was refused for now that it is not whole, though it was released', async () => {
    const released = async (pdus: readonly Buffer[], between: () => void): Promise<void> => {
      const peer = await scriptedPeer(node.scp.port);
      peer.send(associateRequest(), ...pdus.slice(0, 2));
      await peer.until(2);
      between();
      peer.send(...pdus.slice(2), encodeReleaseRequest());
      await peer.closed();
      while (ended.length === 0) await delay(5);
    };
    await released([...object('1.2.1', 1), ...object('1.2.2', 2)], () => {
      pressure = { kind: 'refuse-instances', why: 'Out of storage space' };
    });
    expect(arrived).toEqual(['stored']);
    expect(ended).toEqual(['incomplete']);
  });
  it('says in the log why instances are refused, once an association', async () => {
    quotas = new Quotas(new Map([['test', { bytes: null, instances: 1 }]]), [], () => 0);
    expect(await answersTo(...object('1.2.1', 1))).toEqual(['0000']);
    const refused = [...object('1.2.2', 1), ...object('1.2.3', 2)];
    expect(await answersTo(...refused)).toEqual(['a700', 'a700']);
    expect(told).toEqual(['The quota of this peer is used up for now']);
    quotas = null;
    pressure = { kind: 'refuse-instances', why: 'Out of storage space' };
    expect(await answersTo(...refused)).toEqual(['a700', 'a700']);
    expect(told).toEqual(['The quota of this peer is used up for now', 'Out of storage space']);
  });
});

describe('the quota of a peer', () => {
  const hour = 3_600_000;
  const of = (quota: { bytes?: number; instances?: number }, now: () => number, peer = 'test') =>
    new Quotas(new Map([[peer, { bytes: null, instances: null, ...quota }]]), [], now);

  it('used up by instances: A700, until the hour of the first ones is 24 h ago; what comes again does not count', async () => {
    let nowMs = 100 * hour;
    quotas = of({ instances: 2 }, () => nowMs);
    const twice = [...object('1.2.1', 1), ...object('1.2.1', 2), ...object('1.2.2', 3), ...object('1.2.3', 4)];
    // pipelined: one that begins while others are on their way to the disk is taken
    for (const pdus of [twice.slice(0, 2), twice.slice(2, 4), twice.slice(4, 6)])
      expect(await answersTo(...pdus)).toEqual(['0000']);
    expect(await answersTo(...twice.slice(6))).toEqual(['a700']);
    nowMs += 23 * hour;
    expect(await answersTo(...twice.slice(6))).toEqual(['a700']);
    expect(await files()).toEqual({ kept: 2, left: 0 });
    nowMs += hour;
    expect(await answersTo(...twice.slice(6))).toEqual(['0000']);
  });
  it('used up by bytes; another peer has its own', async () => {
    const now = () => 100 * hour;
    quotas = of({ bytes: 1100 }, now);
    expect(await answersTo(...object('1.2.1', 1, 1000))).toEqual(['0000']);
    expect(quotas.used('test')).toBeGreaterThan(1);
    expect(await answersTo(...object('1.2.2', 1, 1000))).toEqual(['a700']);
    quotas = of({ bytes: 1 }, now, 'another');
    expect(await answersTo(...object('1.2.2', 1, 1000))).toEqual(['0000']);
  });
  it('counted by a clock that was years ahead is over a day after it was set right', () => {
    let nowMs = 100_000 * hour;
    const own = of({ instances: 2 }, () => nowMs);
    own.kept('test', 1);
    own.kept('test', 1);
    nowMs = 100 * hour;
    expect(own.used('test')).toBe(1);
    own.kept('test', 1);
    expect(own.used('test')).toBe(1.5);
    nowMs += 24 * hour;
    expect(own.used('test')).toBe(0);
  });
  it('outlives a restart by its record, of which the last one counts', async () => {
    const now = () => 100 * hour;
    const before = of({ bytes: 4000, instances: 10 }, now);
    for (const bytes of [1000, 2000]) {
      before.kept('test', bytes);
      await recordTallies(spool, { version: 1, at: new Date(now()).toISOString(), hours: before.tallies() });
    }
    expect(await readdir(spool.layout.tallies)).toHaveLength(1);
    const after = new Quotas(new Map([['test', { bytes: 4000, instances: null }]]), await readTallies(spool), now);
    expect(after.used('test')).toBe(0.75);
    await writeFile(join(spool.layout.tallies, '999.json'), 'no record');
    expect(await readTallies(spool)).toEqual(before.tallies());
  });
});

describe('a disk that does not answer', () => {
  const stuck = (): (() => void) => {
    let release: () => void = () => {};
    disk = new Promise((resolve) => (release = resolve));
    return release;
  };
  it('while an instance is kept: A700 in time and at once for the next ones, taken again when it answers', async () => {
    const release = stuck();
    const started = performance.now();
    expect(await answersTo(...object('1.2.1', 1))).toEqual(['a700']);
    expect(performance.now() - started).toBeGreaterThan(3990);
    const next = performance.now();
    expect(await answersTo(...object('1.2.2', 1))).toEqual(['a700']);
    expect(performance.now() - next).toBeLessThan(3990);
    release();
    while (arrived.length === 0) await delay(5);
    // the first one was kept after all, and is known as a duplicate when it comes again
    expect(await answersTo(...object('1.2.1', 1), ...object('1.2.2', 2))).toEqual(['0000', '0000']);
    expect(arrived).toEqual(['stored', 'repeated', 'stored']);
    expect(await files()).toEqual({ kept: 2, left: 0 });
  });
  it('while bytes come: the rest is read and dropped, A700, and the association goes on', async () => {
    const release = stuck();
    const bytes = dataSet({ sopInstanceUid: '1.2.3', pixelBytes: 30_000_000 });
    const pdus = [commandPdu(1, storeRequest('1.2.3')), fragments(1, bytes, 100_000)];
    expect(await answersTo(...pdus)).toEqual(['a700']);
    release();
    while ((await files()).left > 0) await delay(5);
    expect(await files()).toEqual({ kept: 0, left: 0 });
    expect(await answersTo(...object('1.2.3', 1))).toEqual(['0000']);
  });
});

describe('a disk that fails while bytes come', () => {
  it.each([
    ['ENOSPC', 'a700'],
    ['EROFS', 'a700'],
    ['EMFILE', 'a700'],
    ['EIO', '0110'],
  ])('%s: %s, and the association goes on', async (code, status) => {
    const failed = Promise.reject(Object.assign(new Error(code), { code }));
    failed.catch(() => {}); // nobody asks yet
    disk = failed;
    const bytes = dataSet({ sopInstanceUid: '1.2.3', pixelBytes: 30_000_000 });
    const pdus = [commandPdu(1, storeRequest('1.2.3')), fragments(1, bytes, 100_000)];
    expect(await answersTo(...pdus)).toEqual([status]);
    disk = Promise.resolve();
    while ((await files()).left > 0) await delay(5);
    expect(await answersTo(...object('1.2.3', 1))).toEqual(['0000']);
  });
});
