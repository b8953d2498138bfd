// What the configuration allows, as a peer sees it: classes, syntaxes, identity, limits, statuses.
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Log } from '../../../src/observe/log.js';
import type { PeerPolicy } from '../../../src/io/dimse/policy.js';
import { encodeReleaseRequest } from '../../../src/io/dimse/pdu.js';
import {
  associateRequest,
  commandPdu,
  context,
  ctClass,
  dataPdu,
  dataSet,
  echoRequest,
  explicitLittle,
  implicitLittle,
  mrClass,
  storeRequest,
} from '../../support/dimse-bytes.js';
import { memoryStore } from '../../support/memory-store.js';
import { type ScriptedPeer, scriptedPeer } from '../../support/scripted-peer.js';
import { type TestScp, type TestScpOptions, openTestScp, silentLog } from '../../support/test-scp.js';

let node: TestScp | null = null;
afterEach(async () => {
  await node?.scp.close();
  node = null;
});
const open = async (options: TestScpOptions): Promise<TestScp> => (node = await openTestScp(options));
async function associated(request = associateRequest()): Promise<ScriptedPeer> {
  const peer = await scriptedPeer(node?.scp.port ?? 0);
  peer.send(request);
  await peer.until(1);
  return peer;
}
const anything: PeerPolicy = { store: 'allow', classes: null, mismatch: 'refuse', associations: 8 };
const withPolicy = (policy: Partial<PeerPolicy>): TestScpOptions => ({
  admit: () => ({ kind: 'admit', peer: 'test', policy: { ...anything, ...policy } }),
});
const store = (uid: string, change = {}) => [
  commandPdu(1, storeRequest(uid, change)),
  dataPdu(1, dataSet({ sopInstanceUid: uid })),
];

describe('negotiation', () => {
  it('takes the classes of the configuration only', async () => {
    await open({ negotiation: { classes: new Set([ctClass]), prefer: 'proposed' } });
    const peer = await associated(associateRequest({ contexts: [context(1), context(3, mrClass)] }));
    expect(peer.accept()?.contexts.map(({ result }) => result)).toEqual([0, 3]);
    peer.destroy();
  });
  it.each([
    ['proposed', [implicitLittle, explicitLittle], implicitLittle],
    ['explicit-le', [implicitLittle, explicitLittle], explicitLittle],
    ['explicit-le', ['1.2.840.10008.1.2.4.70', implicitLittle], '1.2.840.10008.1.2.4.70'],
  ] as const)('prefers %s of %j: %s', async (prefer, syntaxes, chosen) => {
    await open({ negotiation: { classes: null, prefer } });
    const peer = await associated(associateRequest({ contexts: [context(1, ctClass, syntaxes)] }));
    expect(peer.accept()?.contexts[0]?.transferSyntaxUid).toBe(chosen);
    peer.destroy();
  });
  it.each([
    ['checked', true, true],
    ['checked', false, false],
    ['ignored', true, false],
  ] as const)(
    'a user identity that was %s, response asked %p: answered %p',
    async (identity, positiveResponse, answered) => {
      await open({ admit: () => ({ kind: 'admit', peer: 'test', identity }) });
      const given = { type: 2, positiveResponse, primary: Buffer.from('tech'), secondary: Buffer.from('x') };
      const peer = await associated(associateRequest({ identity: given }));
      expect(peer.accept()?.identityAnswered).toBe(answered);
      peer.destroy();
    },
  );
  it('announces its own maximum length, whatever the configuration says it is', async () => {
    await open({ limits: { maximumLength: 16_384 } });
    const peer = await associated(associateRequest({ maximumLength: 0 }));
    expect(peer.accept()?.maximumLength).toBe(16_384);
    peer.destroy();
  });
});

describe('associations at once', () => {
  it.each<[string, TestScpOptions]>([
    ['of one peer', withPolicy({ associations: 2 })],
    ['of one address', { limits: { associationsOfAddress: 2 } }],
    ['of all', { limits: { associations: 2 } }],
  ])('%s: one more is refused for now, and taken when another has ended', async (_, options) => {
    await open(options);
    const first = await associated();
    const second = await associated();
    const third = await associated();
    expect(third.log).toEqual(['RJ 2/3/2']);
    first.send(encodeReleaseRequest());
    await first.closed();
    const fourth = await associated();
    expect(fourth.log).toEqual(['AC']);
    for (const peer of [second, fourth]) peer.destroy();
  });

  it('callers without a name of their own share no room: each address has its own', async () => {
    await open({ admit: () => ({ kind: 'admit', peer: 'unknown' }), limits: { associationsOfPeer: 1 } });
    const log = [];
    for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.1']) {
      const peer = await scriptedPeer(node?.scp.port ?? 0, address);
      peer.send(associateRequest());
      await peer.until(1);
      log.push(peer.log.join());
    }
    expect(log).toEqual(['AC', 'AC', 'RJ 2/3/2']);
  });

  it('connections have an end too: beyond four for each association that may be, the oldest that has asked for nothing goes', async () => {
    await open({ limits: { associations: 1, artimMs: 60_000 } });
    const port = node?.scp.port ?? 0;
    const oldest = await scriptedPeer(port);
    const waiting = [];
    for (let count = 0; count < 4; count++) waiting.push(await scriptedPeer(port));
    expect(await oldest.closed()).toBe('');
    expect(waiting.map((peer) => peer.isClosed())).toEqual([false, false, false, false]);
    for (const peer of waiting) peer.destroy();
  });
});

describe('statuses', () => {
  const answerTo = async (...pdus: readonly Buffer[]) => {
    const peer = await associated();
    peer.send(...pdus, commandPdu(3, echoRequest(9)));
    await peer.until(3);
    const [{ status = -1, errorComment, offendingElements } = { status: -1 }] = peer.responses;
    expect(peer.log.at(-1)).toBe('RSP 8030 #9 0000'); // the association goes on
    peer.destroy();
    return { status: status.toString(16), errorComment, offendingElements };
  };
  it('0124: the peer may not store', async () => {
    const { store: kept } = await open(withPolicy({ store: 'refuse' }));
    expect(await answerTo(...store('1.2.1'))).toEqual({
      status: '124',
      errorComment: 'this peer may not store here',
      offendingElements: undefined,
    });
    expect(kept.objects).toEqual([]);
  });
  it('says in the log of the association how many requests were refused', async () => {
    const lines: object[] = [];
    const log: Log = { ...silentLog, info: (event, fields) => void lines.push({ event, ...fields }), with: () => log };
    await open({ ...withPolicy({ classes: new Set([mrClass]) }), log });
    const peer = await associated(associateRequest({ contexts: [context(1), context(3, mrClass)] }));
    peer.send(...store('1.2.1'), ...store('1.2.2', { messageId: 2 }));
    await peer.until(3);
    peer.send(encodeReleaseRequest());
    await peer.closed();
    expect(lines).toEqual([expect.objectContaining({ event: 'association released', refused: 2 })]);
  });
  it('0122: the class is not taken from this peer', async () => {
    await open(withPolicy({ classes: new Set([mrClass]) }));
    expect(await answerTo(...store('1.2.1'))).toMatchObject({ status: '122', offendingElements: [2] });
  });
  it('0210: the message id is in use', async () => {
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let waiting = 0;
    const beforeCommit = () => {
      // With the third object there the second, of the same message id, has been seen.
      if (++waiting === 2) release();
      return held;
    };
    const { store: kept } = await open({ store: memoryStore({ beforeCommit }) });
    const peer = await associated();
    peer.send(...store('1.2.1'), ...store('1.2.2'), ...store('1.2.3', { messageId: 2 }));
    await peer.until(4);
    expect(peer.log).toEqual(['AC', 'RSP 8001 #1 0000', 'RSP 8001 #1 0210', 'RSP 8001 #2 0000']);
    expect(kept.objects.map(({ facts }) => facts.sopInstanceUid)).toEqual(['1.2.1', '1.2.3']);
    peer.destroy();
  });
  it('mismatch by peer: kept as it is, though the node refuses', async () => {
    const { store: kept } = await open({ ...withPolicy({ mismatch: 'accept' }), mismatch: 'refuse' });
    const differs = [commandPdu(1, storeRequest('1.2.5')), dataPdu(1, dataSet({ sopInstanceUid: '1.2.6' }))];
    expect((await answerTo(...differs)).status).toBe('0');
    expect(kept.objects[0]?.facts.sopInstanceUid).toBe('1.2.6');
  });
  it('0110: anything unforeseen, and the association goes on', async () => {
    const { store: kept } = await open({
      store: memoryStore({ beforeCommit: () => Promise.reject(new TypeError('unforeseen')) }),
    });
    expect(await answerTo(...store('1.2.1'))).toMatchObject({ status: '110', errorComment: 'processing failure' });
    expect(kept.open()).toBe(0);
    await node?.scp.close();
    await open({
      store: memoryStore({
        refuse: () => {
          throw new TypeError('unforeseen');
        },
      }),
    });
    expect(await answerTo(...store('1.2.1'))).toMatchObject({ status: '110' });
  });
  it('A700 above the longest object, once it has been read; A-ABORT above twice that', async () => {
    const { store: kept } = await open({ limits: { objectBytes: 50_000 } });
    const long = (pixelBytes: number) => [
      commandPdu(1, storeRequest('1.2.7')),
      dataPdu(1, dataSet({ sopInstanceUid: '1.2.7', pixelBytes })),
    ];
    expect((await answerTo(...long(60_000))).status).toBe('a700');
    const peer = await associated();
    peer.send(...long(110_000));
    expect(await peer.closed()).toBe('AC; ABORT 0/0');
    expect(kept.open()).toBe(0);
    expect(kept.objects).toEqual([]);
  });
});
