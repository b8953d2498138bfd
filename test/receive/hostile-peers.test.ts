// Peers that vanish, break the rules or are refused in the middle of an object, over a real spool: nothing of it stays, no descriptor is left open.
import { readdir, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { encodeAbort, encodePdu, encodeReleaseRequest } from '../../src/io/dimse/pdu.js';
import type { Pressure } from '../../src/receive/decide-pressure.js';
import { openSpool } from '../../src/spool/open-spool.js';
import type { Spool } from '../../src/spool/spool.js';
import {
  associateRequest,
  commandPdu,
  data,
  dataPdu,
  dataSet,
  echoRequest,
  fragments,
  mrClass,
  pdv,
  storeRequest,
} from '../support/dimse-bytes.js';
import { type ScriptedPeer, scriptedPeer } from '../support/scripted-peer.js';
import { expectEverySituation, situation } from '../support/situations.js';
import { openQuietStore } from '../support/store-service.js';
import { openFolder } from '../support/temporary.js';
import { type TestScp, openTestScp } from '../support/test-scp.js';

const uid = '1.2.826.0.1.3680043.9.8888.5';
const object = dataSet({ sopInstanceUid: uid, pixelBytes: 4_000_000 });
/** A command and half of its object, up to the end of a PDU. */
const half = [commandPdu(1, storeRequest(uid)), fragments(1, object, 100_000).subarray(0, 20 * 100_012)];
const whole = [commandPdu(1, storeRequest(uid)), fragments(1, object, 100_000)];

let folder: Awaited<ReturnType<typeof openFolder>>;
let spool: Spool;
let node: TestScp;
let pressure: Pressure;

beforeEach(async () => {
  pressure = { kind: 'none' };
  folder = await openFolder();
  spool = await openSpool({ directory: folder.path, sync: 'never', host: hostname(), now: Date.now });
  const service = openQuietStore(spool, () => pressure);
  const limits = { objectBytes: 5_000_000, associationsOfPeer: 64, waitingOfAddress: 64, artimMs: 2000 };
  node = await openTestScp({ service, limits });
});
afterEach(async () => {
  await node.scp.close();
  await spool.close();
  await folder.remove();
});

async function associated(): Promise<ScriptedPeer> {
  const peer = await scriptedPeer(node.scp.port);
  peer.send(associateRequest());
  await peer.until(1);
  return peer;
}

/** Instance files; temporary files of instances; this process's descriptors on files of the spool. */
async function traces(): Promise<{ kept: number; temporary: number; open: number }> {
  const entries = await readdir(folder.path, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const targets = await Promise.all(
    (await readdir('/proc/self/fd')).map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')),
  );
  return {
    kept: paths.filter((path) => path.includes('/instances/')).length,
    temporary: paths.filter((path) => path.includes('/tmp/') && path.includes('incoming')).length,
    open: targets.filter((target) => target.startsWith(folder.path) && target.includes('incoming')).length,
  };
}

/** Waits until no association is there and nothing of one is left. */
async function expectClean(kept = 0): Promise<void> {
  const deadline = performance.now() + 60_000;
  let found = await traces();
  const isLeft = () => node.scp.associations() > 0 || found.temporary + found.open > 0 || found.kept < kept;
  while (performance.now() < deadline && isLeft()) {
    await delay(20);
    found = await traces();
  }
  expect({ ...found, associations: node.scp.associations() }).toEqual({ kept, temporary: 0, open: 0, associations: 0 });
}

const untilWritten = async () => {
  while ((await traces()).temporary === 0) await delay(5);
};

describe(situation('spool-lost'), () => {
  it.each(['reset', 'fin'] as const)('%s', async (way) => {
    const peer = await associated();
    peer.send(...half);
    await untilWritten();
    expect((await traces()).open).toBe(1);
    if (way === 'reset') peer.socket.resetAndDestroy();
    else peer.socket.end();
    await expectClean();
    expect(peer.responses).toEqual([]);
  });
});

describe(situation('spool-ended'), () => {
  it.each<[string, Uint8Array, string]>([
    ['A-RELEASE-RQ', encodeReleaseRequest(), 'AC; RELEASE-RP'],
    ['A-ABORT', encodeAbort({ source: 0, reason: 0 }), 'AC'],
    ['an unknown PDU', encodePdu(4, new Uint8Array(8)).fill(0x2a, 0, 1), 'AC; ABORT 2/1'],
    ['a PDU that claims 4 GB', Buffer.from('0400ffffffff', 'hex'), 'AC; ABORT 2/6'],
    ['a PDV past its PDU', encodePdu(4, Buffer.from('0000ffff0100aabb', 'hex')), 'AC; ABORT 2/6'],
    ['a command', commandPdu(1, echoRequest(2)), 'AC; ABORT 0/0'],
    ['another context', dataPdu(3, new Uint8Array(100)), 'AC; ABORT 0/0'],
    ['a context that was never proposed', dataPdu(99, new Uint8Array(100)), 'AC; ABORT 2/6'],
  ])('%s', async (_name, end, expected) => {
    const peer = await associated();
    peer.send(...half);
    await untilWritten();
    peer.send(end);
    expect(await peer.closed()).toBe(expected);
    await expectClean();
  });
  it('a fragment behind the last one: what was whole is kept', async () => {
    const peer = await associated();
    peer.send(...whole, dataPdu(1, new Uint8Array(5000)));
    expect(await peer.closed()).toMatch(/^AC; (RSP 8001 #1 0000; )?ABORT 0\/0$/);
    await expectClean(1);
  });
});

describe(situation('spool-refused'), () => {
  it.each<[string, readonly Uint8Array[], string]>([
    ['cut', [commandPdu(1, storeRequest(uid)), fragments(1, object.subarray(0, 3_000_000), 100_000)], 'c000'],
    [
      'another instance UID',
      [commandPdu(1, storeRequest(uid)), fragments(1, dataSet({ sopInstanceUid: '1.2.3' }), 100_000)],
      'a900',
    ],
    [
      'another class',
      [commandPdu(1, storeRequest(uid, { affectedSopClassUid: mrClass })), fragments(1, object, 100_000)],
      'a900',
    ],
    [
      'longer than the limit',
      [
        commandPdu(1, storeRequest(uid)),
        fragments(1, dataSet({ sopInstanceUid: uid, pixelBytes: 6_000_000 }), 100_000),
      ],
      'a700',
    ],
    ['no bytes', [commandPdu(1, storeRequest(uid)), data(pdv(1, 2, new Uint8Array(0)))], 'c000'],
  ])('%s', async (_name, pdus, status) => {
    const peer = await associated();
    peer.send(...pdus, encodeReleaseRequest());
    expect(await peer.closed()).toBe(`AC; RSP 8001 #1 ${status}; RELEASE-RP`);
    await expectClean();
  });
});

describe(situation('spool-path'), () => {
  it.each(['../evil', '/etc/evil', '1.2/../3', '1.2\\3', '1.2\n3'])('%j', async (instance) => {
    const peer = await associated();
    const bytes = dataSet({ sopInstanceUid: instance, pixelBytes: 100 });
    peer.send(commandPdu(1, storeRequest(instance)), dataPdu(1, bytes), encodeReleaseRequest());
    expect(await peer.closed()).toBe('AC; RSP 8001 #1 0117; RELEASE-RP');
    await expectClean();
    const entries = await readdir(folder.path, { recursive: true });
    expect(entries.filter((name) => name.includes('evil'))).toEqual([]);
  });
});

it(situation('spool-crowd'), async () => {
  const peers = await Promise.all(Array.from({ length: 24 }, () => associated()));
  for (const peer of peers) peer.send(...half);
  while ((await traces()).temporary < peers.length) await delay(10);
  for (const peer of peers) peer.socket.resetAndDestroy();
  await expectClean();
});

it(situation('abort-unanswered'), async () => {
  pressure = { kind: 'slow', delayMs: 500 };
  const peer = await associated();
  peer.send(...whole);
  while ((await traces()).kept === 0) await delay(5);
  peer.send(encodeAbort({ source: 0, reason: 0 }));
  expect(await peer.closed()).toBe('AC');
  pressure = { kind: 'none' };
  await expectClean(1);
  const again = await associated();
  again.send(...whole, encodeReleaseRequest());
  expect(await again.closed()).toBe('AC; RSP 8001 #1 0000; RELEASE-RP');
  await expectClean(1);
});

expectEverySituation('receive/hostile-peers');
