// The SCP against peers that are slow, silent, many or deaf, and against a store that is slow or fails.
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Limits } from '../../../src/io/dimse/limits.js';
import { controlByte, encodePdu, encodeReleaseRequest } from '../../../src/io/dimse/pdu.js';
import {
  associateRequest,
  commandPdu,
  data,
  dataPdu,
  dataSet,
  echoRequest,
  fragments,
  pdv,
  storeRequest,
} from '../../support/dimse-bytes.js';
import { memoryStore } from '../../support/memory-store.js';
import { type ScriptedPeer, scriptedPeer } from '../../support/scripted-peer.js';
import { type SituationId, expectEverySituation, rows, situation } from '../../support/situations.js';
import { type TestScp, type TestScpOptions, openTestScp, silentLog } from '../../support/test-scp.js';

let node: TestScp | null = null;
const open = async (limits: Partial<Limits>, options: TestScpOptions = {}) => {
  node = await openTestScp({ ...options, limits });
  return node;
};
afterEach(async () => {
  expect(node?.store.open() ?? 0).toBe(0);
  await node?.scp.close();
  node = null;
});

async function associated({ scp }: Pick<TestScp, 'scp'>): Promise<ScriptedPeer> {
  const peer = await scriptedPeer(scp.port);
  peer.send(associateRequest());
  await peer.until(1);
  return peer;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(5);
}

/** Sends byte by byte until the connection is closed. */
async function trickle(peer: ScriptedPeer, bytes: Buffer, everyMs: number): Promise<string> {
  for (let index = 0; !peer.isClosed() && index < bytes.length; index++) {
    peer.send(bytes.subarray(index, index + 1));
    await delay(everyMs);
  }
  return peer.closed();
}

const slow = { artimMs: 400, idleMs: 400, pduMs: 400, stallMs: 400 };

describe('slow and silent peers', () => {
  it(situation(93), async () => {
    const peer = await scriptedPeer((await open({ artimMs: 100 })).scp.port);
    expect(await peer.closed()).toBe('');
  });
  it(situation(94), async () => {
    const peer = await scriptedPeer((await open(slow)).scp.port);
    expect(await trickle(peer, associateRequest(), 20)).toBe('');
  });
  it(situation(95), async () => {
    const peer = await associated(await open(slow));
    expect(await trickle(peer, commandPdu(1, storeRequest('1.2.95')), 20)).toBe('AC; ABORT 2/0');
  });
  it(situation(96), async () => {
    const peer = await associated(await open(slow));
    expect(await peer.closed()).toBe('AC; ABORT 2/0');
  });
  it(situation('least-rate'), async () => {
    const peer = await associated(await open({ rateMs: 200, bytesPerSecond: 10_000 }));
    peer.send(commandPdu(1, storeRequest('1.2.97')));
    while (!peer.isClosed()) {
      peer.send(dataPdu(1, Buffer.alloc(2), false));
      await delay(10);
    }
    expect(await peer.closed()).toBe('AC; ABORT 2/0');
    expect(node?.store.objects).toEqual([]);
  });
  it('a command set in fragments without bytes does not hold the association', async () => {
    const peer = await associated(await open({ idleMs: 400, pduMs: 400, rateMs: 400, bytesPerSecond: 100 }));
    for (let sent = 0; !peer.isClosed() && sent < 100; sent++) {
      peer.send(data(pdv(3, controlByte('command', false), Buffer.alloc(0))));
      await delay(20);
    }
    expect(peer.isClosed()).toBe(true);
    expect(await peer.closed()).toBe('AC; ABORT 2/0');
  });
  it('the time that the store takes is not the peer’s idleness', async () => {
    const store = memoryStore({ beforeCommit: () => delay(1000) });
    const peer = await associated(await open({ ...slow }, { store }));
    peer.send(commandPdu(1, storeRequest('1.2.98')), dataPdu(1, dataSet({ sopInstanceUid: '1.2.98' })));
    await peer.until(2);
    expect(peer.log).toEqual(['AC', 'RSP 8001 #1 0000']);
    peer.destroy();
  });
  it.each(
    rows<[SituationId, string, Buffer, string]>([
      [97, 'A-ABORT', encodePdu(4, Buffer.alloc(4)).fill(0x2a, 0, 1), 'ABORT 2/1'],
      [102, 'A-RELEASE-RP', encodeReleaseRequest(), 'RELEASE-RP'],
    ]),
  )('situation %d: a peer that does not close after %s is closed by ARTIM', async (_number, _name, bytes, expected) => {
    const peer = await associated(await open({ artimMs: 200 }));
    peer.socket.allowHalfOpen = true;
    peer.send(bytes);
    await peer.until(2);
    expect(peer.log[1]).toBe(expected);
    const reset = new Promise<void>((resolve) => peer.socket.once('close', () => resolve()));
    const writing = setInterval(() => peer.send(Buffer.alloc(100)), 20);
    await reset;
    clearInterval(writing);
  });
  it(situation(98), async () => {
    const peer = await associated(await open({ stallMs: 300, unreadBytes: 65_536 }));
    peer.socket.pause();
    const batch = Buffer.concat(Array.from({ length: 1000 }, (_, index) => commandPdu(3, echoRequest(index + 1))));
    let taken = 0;
    const closed = new Promise<void>((resolve) =>
      peer.socket.once('close', () => resolve()).once('error', () => resolve()),
    );
    const feed = () => {
      while (taken < 500 && peer.socket.write(batch)) taken++;
      taken++;
      if (taken < 500) peer.socket.once('drain', feed);
    };
    feed();
    await closed;
    expect(taken).toBeLessThan(500);
  });
});

describe('many', () => {
  it(situation(99), async () => {
    const { scp } = await open({ artimMs: 200 });
    const peers = await Promise.all(Array.from({ length: 100 }, () => scriptedPeer(scp.port)));
    expect(await Promise.all(peers.map((peer) => peer.closed()))).toEqual(peers.map(() => ''));
    const peer = await associated({ scp });
    expect(peer.log).toEqual(['AC']);
    peer.destroy();
  });
  it(situation('flood'), async () => {
    const running = await open({ artimMs: 2000, associationsOfPeer: 8, waitingOfAddress: 16 });
    const ask = async () => {
      const peer = await scriptedPeer(running.scp.port);
      peer.send(associateRequest());
      await peer.until(1);
      return peer;
    };
    const peers = await Promise.all(Array.from({ length: 1000 }, ask));
    const answers = peers.map((peer) => peer.log[0] ?? 'closed');
    expect(answers.filter((answer) => answer === 'AC')).toHaveLength(8);
    expect(running.scp.associations()).toBe(8);
    expect(answers.filter((answer) => !['AC', 'RJ 2/3/2', 'closed'].includes(answer))).toEqual([]);
    for (const peer of peers) peer.destroy();
    while (running.scp.associations() > 0) await delay(5);
    const late = await associated(running);
    expect(late.log).toEqual(['AC']);
    late.destroy();
  });
  it('who is refused and does not close leaves room for the others, at its address and elsewhere', async () => {
    const { scp } = await open({ associations: 4, waitingOfAddress: 3 });
    const refused: ScriptedPeer[] = [];
    for (let count = 0; count < 20; count++) {
      const peer = await scriptedPeer(scp.port, '127.0.0.2');
      peer.socket.allowHalfOpen = true;
      refused.push(peer);
      peer.send(associateRequest({ calledAe: 'ANOTHER' }));
      await peer.until(1);
    }
    expect(refused.map(({ log }) => log.join('; '))).toEqual(refused.map(() => 'RJ 1/1/7'));
    for (const address of ['127.0.0.1', '127.0.0.2']) {
      const peer = await scriptedPeer(scp.port, address);
      peer.send(associateRequest());
      await peer.until(1);
      expect(peer.log).toEqual(['AC']);
      peer.destroy();
    }
    for (const peer of refused) peer.destroy();
  });
  it('silent connections of many addresses keep nobody out: the oldest of them goes for whoever comes', async () => {
    const { scp } = await open({ associations: 4, waitingOfAddress: 3, artimMs: 20_000 });
    const early = await associated({ scp });
    const silent: ScriptedPeer[] = [];
    for (let count = 0; count < 30; count++) silent.push(await scriptedPeer(scp.port, `127.0.0.${2 + (count % 10)}`));
    const late = await associated({ scp });
    expect(late.log).toEqual(['AC']);
    expect(early.isClosed()).toBe(false);
    // four connections for each association
    await until(() => silent.filter((peer) => !peer.isClosed()).length === 14);
    expect(silent.slice(0, 16).every((peer) => peer.isClosed())).toBe(true);
    for (const peer of [early, late, ...silent]) peer.destroy();
  });
  it('associations beyond the limit of the node, and of a peer, are refused as transient', async () => {
    for (const limits of [{ associations: 2 }, { associationsOfPeer: 2 }]) {
      const one = await openTestScp({ limits });
      const [first, second, third] = [await associated(one), await associated(one), await associated(one)];
      expect([first.log, second.log, third.log]).toEqual([['AC'], ['AC'], ['RJ 2/3/2']]);
      expect(one.scp.associations()).toBe(2);
      first.send(encodeReleaseRequest());
      await first.closed();
      const fourth = await associated(one);
      expect(fourth.log).toEqual(['AC']);
      for (const peer of [second, third, fourth]) peer.destroy();
      await one.scp.close();
    }
  });
});

describe('draining', () => {
  it('refuses new associations, lets the running ones end', async () => {
    const running = await open({});
    const peer = await associated(running);
    const drained = running.scp.drain(5000);
    const late = await associated(running);
    expect(late.log).toEqual(['RJ 2/3/1']);
    peer.send(commandPdu(1, storeRequest('1.2.1')), dataPdu(1, dataSet({ sopInstanceUid: '1.2.1' })));
    peer.send(commandPdu(3, echoRequest(2)), encodeReleaseRequest());
    await drained;
    expect(await peer.closed()).toBe('AC; RSP 8001 #1 0000; RSP 8030 #2 0000; RELEASE-RP');
  });
  it('aborts what is still there when its time is over', async () => {
    const running = await open({});
    const peer = await associated(running);
    peer.send(commandPdu(1, storeRequest('1.2.2')));
    await running.scp.drain(50);
    expect(await peer.closed()).toBe('AC; ABORT 0/0');
  });
  it('close waits for commits that have begun', async () => {
    let hasBegun = false;
    let isCommitted = false;
    const beforeCommit = async () => {
      hasBegun = true;
      await delay(200);
      isCommitted = true;
    };
    const store = memoryStore({ beforeCommit });
    const running = await open({}, { store });
    const peer = await associated(running);
    peer.send(commandPdu(1, storeRequest('1.2.3')), dataPdu(1, dataSet({ sopInstanceUid: '1.2.3' })));
    await until(() => hasBegun);
    await running.scp.close();
    expect(isCommitted).toBe(true);
    expect(store.ended.map(({ how }) => how)).toEqual(['lost']);
    node = null;
  });
});

describe('the store', () => {
  const object = (uid: string) => [
    commandPdu(1, storeRequest(uid)),
    fragments(1, dataSet({ sopInstanceUid: uid }), 20_000),
  ];
  const statusWith = async (store: ReturnType<typeof memoryStore>) => {
    const peer = await associated(await open({}, { store }));
    peer.send(...object('1.2.4'));
    await peer.until(2);
    peer.destroy();
    return { word: peer.log[1], comment: peer.responses[0]?.errorComment };
  };

  it('its refusal is answered once the data set has been read', async () => {
    const refuse = () => ({ status: 0xa700, comment: 'disk is low' });
    expect(await statusWith(memoryStore({ refuse }))).toEqual({ word: 'RSP 8001 #1 a700', comment: 'disk is low' });
  });
  it('its answer to a commit is passed on', async () => {
    const beforeCommit = () => Promise.resolve({ status: 0x0111, comment: 'other bytes' });
    expect(await statusWith(memoryStore({ beforeCommit }))).toEqual({
      word: 'RSP 8001 #1 0111',
      comment: 'other bytes',
    });
  });
  it.each(['begin', 'commit'] as const)('its failure in %s is 0110', async (where) => {
    const fail = () => {
      throw new Error('no');
    };
    const store = memoryStore(where === 'begin' ? { refuse: fail } : { beforeCommit: fail });
    expect((await statusWith(store)).word).toBe('RSP 8001 #1 0110');
    expect(store.discarded()).toBe(where === 'begin' ? 0 : 1);
  });
  it('what it cannot take is 0110, and nothing of it is kept', async () => {
    const bytes = (): number => {
      throw new Error('no');
    };
    const store = memoryStore({ queue: { bytes, drained: () => Promise.resolve() } });
    expect((await statusWith(store)).word).toBe('RSP 8001 #1 0110');
    expect([store.discarded(), store.objects.length]).toEqual([1, 0]);
  });
  it('UIDs that differ are stored where the site says so', async () => {
    const running = await open({}, { mismatch: 'accept' });
    const peer = await associated(running);
    peer.send(commandPdu(1, storeRequest('1.2.5')), dataPdu(1, dataSet({ sopInstanceUid: '1.2.6' })));
    await peer.until(2);
    expect(peer.log[1]).toBe('RSP 8001 #1 0000');
    expect(running.store.objects[0]?.facts.sopInstanceUid).toBe('1.2.6');
    peer.destroy();
  });
  it('holds the peer up when it is full, and lets it go on', async () => {
    let release: () => void = () => {};
    let isFull = true;
    let writes = 0;
    let askedToWait: () => void = () => {};
    const held = new Promise<void>((resolve) => (askedToWait = resolve));
    const drained = () => {
      askedToWait();
      return new Promise<void>((resolve) => (release = resolve));
    };
    const store = memoryStore({ queue: { bytes: () => (writes++, isFull ? 5_000_000 : 0), drained } });
    const bytes = dataSet({ sopInstanceUid: '1.2.7', pixelBytes: 30_000_000 });
    const pdus = Buffer.concat([commandPdu(1, storeRequest('1.2.7')), fragments(1, bytes, 100_000)]);
    const timers = { idleMs: 1000, pduMs: 1000, rateMs: 1000 };
    const peer = await associated(await open(timers, { store }));
    peer.send(pdus);
    await held;
    const before = writes;
    await delay(1500); // no timer blames the peer
    expect(writes).toBe(before);
    expect(peer.socket.writableLength).toBeGreaterThan(10_000_000); // kernel buffers take a part
    isFull = false;
    release();
    await peer.until(2);
    expect(peer.log).toEqual(['AC', 'RSP 8001 #1 0000']);
    expect(store.objects[0]?.bytes.equals(bytes)).toBe(true);
    peer.destroy();
  });
  it('what is queued counts for all associations together, and no longer when its own has ended', async () => {
    let writes = 0;
    let held = 0;
    let release: () => void = () => {};
    const drained = () => {
      held++;
      return new Promise<void>((resolve) => (release = resolve));
    };
    const store = memoryStore({ queue: { bytes: () => (writes++, 60_000), drained } });
    const running = await open({ queuedBytes: 100_000, queuedBytesOfAll: 100_000 }, { store });
    const half = async (uid: string): Promise<ScriptedPeer> => {
      const before = writes;
      const peer = await associated(running);
      const beginning = dataSet({ sopInstanceUid: uid }).subarray(0, 1000);
      peer.send(commandPdu(1, storeRequest(uid)), dataPdu(1, beginning, false));
      await until(() => writes > before);
      return peer;
    };
    const first = await half('1.2.11');
    expect(held).toBe(0);
    const second = await half('1.2.12');
    expect(held).toBe(1);
    for (const peer of [first, second]) peer.destroy();
    release(); // who is held up is not read from: only then does it show that the peer has gone
    await until(() => running.scp.associations() === 0);
    const third = await half('1.2.13');
    expect(held).toBe(1);
    third.destroy();
    await until(() => store.open() === 0);
  });
  it('what waits for the disk counts until its answer: no more is read of who sends on without it', async () => {
    let begun = 0;
    const commits: (() => void)[] = [];
    const refuse = () => (begun++, null);
    const beforeCommit = () => new Promise<void>((resolve) => commits.push(resolve));
    const queue = { bytes: () => 60_000, drained: () => Promise.resolve() };
    for (const limits of [{ queuedBytes: 100_000 }, { queuedBytesOfAll: 100_000 }]) {
      begun = 0;
      const peer = await associated(await open(limits, { store: memoryStore({ refuse, beforeCommit, queue }) }));
      for (const messageId of [1, 2, 3, 4]) {
        const uid = `1.2.15.${messageId}`;
        peer.send(commandPdu(1, storeRequest(uid, { messageId })), dataPdu(1, dataSet({ sopInstanceUid: uid })));
      }
      await until(() => commits.length === 2);
      await delay(50);
      expect(begun).toBe(2);
      while (peer.log.length < 5) {
        commits.shift()?.();
        await delay(5);
      }
      expect(peer.log.slice(1)).toEqual([1, 2, 3, 4].map((id) => `RSP 8001 #${id} 0000`));
      peer.destroy();
      await until(() => node?.scp.associations() === 0);
      await node?.scp.close();
    }
  });
  it('who is aborted while it is held up is read to its end, and so learns of it', async () => {
    let askedToWait: () => void = () => {};
    const held = new Promise<void>((resolve) => (askedToWait = resolve));
    const drained = () => {
      askedToWait();
      return new Promise<void>(() => {});
    };
    const store = memoryStore({ queue: { bytes: () => 5_000_000, drained } });
    const running = await open({ artimMs: 60_000 }, { store });
    const peer = await associated(running);
    const bytes = dataSet({ sopInstanceUid: '1.2.14', pixelBytes: 30_000_000 });
    peer.send(commandPdu(1, storeRequest('1.2.14')), fragments(1, bytes, 100_000));
    await held;
    await running.scp.drain(0);
    expect(await peer.closed()).toBe('AC; ABORT 0/0');
    await until(() => peer.socket.writableLength === 0);
    expect(peer.socket.errored).toBeNull();
  });
  it('answers stay in order when commits end in another', async () => {
    let release: () => void = () => {};
    const first = new Promise<void>((resolve) => (release = resolve));
    const beforeCommit = ({ sopInstanceUid }: { sopInstanceUid: string }) =>
      sopInstanceUid === '1.2.8' ? first : Promise.resolve();
    const store = memoryStore({ beforeCommit });
    const peer = await associated(await open({}, { store }));
    const second = [
      commandPdu(1, storeRequest('1.2.9', { messageId: 2 })),
      dataPdu(1, dataSet({ sopInstanceUid: '1.2.9' })),
    ];
    peer.send(...object('1.2.8'), ...second, commandPdu(3, echoRequest(3)));
    while (store.objects.length === 0) await delay(5);
    expect(peer.log).toEqual(['AC']);
    release();
    await peer.until(4);
    expect(peer.log).toEqual(['AC', 'RSP 8001 #1 0000', 'RSP 8001 #2 0000', 'RSP 8030 #3 0000']);
    peer.destroy();
  });
  it('at most so many requests of one peer wait for it', async () => {
    let release: () => void = () => {};
    let begun = 0;
    const all = new Promise<void>((resolve) => (release = resolve));
    const store = memoryStore({ refuse: () => (begun++, null), beforeCommit: () => all });
    const peer = await associated(await open({ unanswered: 4 }, { store }));
    const small = (index: number) => [
      commandPdu(1, storeRequest(`1.2.${index}`, { messageId: index })),
      dataPdu(1, dataSet({ sopInstanceUid: `1.2.${index}`, pixelBytes: 2 })),
    ];
    peer.send(...Array.from({ length: 50 }, (_, index) => small(index + 1)).flat());
    await until(() => begun === 5);
    await delay(100);
    expect(begun).toBe(5);
    release();
    await peer.until(51);
    expect(begun).toBe(50);
    peer.destroy();
  });
  it('counts what is refused at once behind one that waits: nothing more is read', async () => {
    let release: () => void = () => {};
    const all = new Promise<void>((resolve) => (release = resolve));
    let refused = 0;
    const log = { ...silentLog, warn: (event: string) => void (refused += event === 'object refused' ? 1 : 0) };
    const store = memoryStore({ beforeCommit: () => all });
    const peer = await associated(await open({ unanswered: 4 }, { store, log }));
    const bad = Array.from({ length: 1000 }, (_, index) => {
      const request = storeRequest('1.2.2', { messageId: index + 2, hasDataSet: false });
      return [commandPdu(1, request), commandPdu(3, echoRequest(index + 2000))];
    });
    const stored = [
      commandPdu(1, storeRequest('1.2.1')),
      dataPdu(1, dataSet({ sopInstanceUid: '1.2.1', pixelBytes: 2 })),
    ];
    peer.send(...stored, ...bad.flat());
    await until(() => refused > 0);
    await delay(100);
    expect(refused).toBeLessThan(5);
    release();
    await peer.until(2002);
    expect(refused).toBe(1000);
    expect(peer.log.slice(0, 4)).toEqual(['AC', 'RSP 8001 #1 0000', 'RSP 8001 #2 c000', 'RSP 8030 #2000 0000']);
    peer.destroy();
  });
  it('need not count what the DIMSE layer refuses: that is counted there', async () => {
    const running = await open({});
    const peer = await associated(running);
    const bytes = dataSet({ sopInstanceUid: '1.2.11' });
    peer.send(
      commandPdu(1, storeRequest('1.2.10')),
      dataPdu(1, bytes),
      commandPdu(1, storeRequest('x', { messageId: 2 })),
      dataPdu(1, bytes),
    );
    peer.send(commandPdu(1, storeRequest('1.2.11', { messageId: 3 })), dataPdu(1, bytes));
    peer.send(commandPdu(3, storeRequest('1.2.11', { messageId: 4 })), dataPdu(3, bytes));
    const cut = storeRequest('1.2.11', { messageId: 5 });
    peer.send(commandPdu(1, cut.subarray(0, -2)), dataPdu(1, bytes));
    await peer.until(6);
    const counts = (await running.metrics.text())
      .split('\n')
      .filter((line) => line.startsWith('limpid_instances_received_total'));
    expect(counts.toSorted()).toEqual([
      'limpid_instances_received_total{peer="test",modality="other",status="0117"} 1',
      'limpid_instances_received_total{peer="test",modality="other",status="0211"} 1',
      'limpid_instances_received_total{peer="test",modality="other",status="0212"} 1',
      'limpid_instances_received_total{peer="test",modality="other",status="A900"} 1',
    ]);
    peer.destroy();
  });
  it('counts associations and how they end', async () => {
    const running = await open({});
    const peer = await associated(running);
    expect(await running.metrics.text()).toContain('limpid_associations_open{direction="in",peer="test"} 1');
    peer.send(encodeReleaseRequest());
    await peer.closed();
    const text = await running.metrics.text();
    expect(text).toContain('limpid_associations_open{direction="in",peer="test"} 0');
    expect(text).toContain('limpid_associations_total{direction="in",peer="test",outcome="released"} 1');
  });
});

expectEverySituation('io/dimse/timers-and-limits');
