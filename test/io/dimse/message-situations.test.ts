// What the SCP does with right, wrong and hostile DIMSE messages: what is answered, what is kept, what is dropped.
import { deflateRawSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeCommand } from '../../../src/io/dimse/command.js';
import { encodeAbort, encodeReleaseRequest } from '../../../src/io/dimse/pdu.js';
import {
  associateRequest,
  commandPdu,
  context,
  ctClass,
  data,
  dataPdu,
  dataSet,
  echoRequest,
  element,
  fragments,
  mrClass,
  pdv,
  storeRequest,
  verification,
} from '../../support/dimse-bytes.js';
import { type ScriptedPeer, scriptedPeer } from '../../support/scripted-peer.js';
import { type SituationId, expectEverySituation, rows, situation } from '../../support/situations.js';
import { type TestScp, openTestScp } from '../../support/test-scp.js';

let node: TestScp;
beforeAll(async () => {
  node = await openTestScp({ limits: { objectBytes: 1_000_000 } });
});
afterAll(() => node.scp.close());

const deflated = '1.2.840.10008.1.2.1.99';
let serial = 0;
const newUid = () => `1.2.826.0.1.3680043.9.8888.${++serial}`;
const stored = (uid: string) => node.store.objects.filter(({ facts }) => facts.sopInstanceUid === uid);
const expectStored = (uid: string, bytes: Buffer) => {
  expect(stored(uid)).toHaveLength(1);
  expect(stored(uid)[0]?.bytes.equals(bytes)).toBe(true);
};

async function associated(request = associateRequest()): Promise<ScriptedPeer> {
  const peer = await scriptedPeer(node.scp.port);
  peer.send(request);
  await peer.until(1);
  return peer;
}

/** Sends, waits for `answers` answers, and gives them. */
async function answersTo(count: number, ...bytes: Uint8Array[]): Promise<string[]> {
  const peer = await associated();
  peer.send(...bytes);
  await peer.until(1 + count);
  peer.destroy();
  return peer.log.slice(1);
}

/** Sends, and gives everything that came until the connection was closed. */
async function endOf(...bytes: Uint8Array[]): Promise<string> {
  const peer = await associated();
  peer.send(...bytes);
  return (await peer.closed()).replace(/^AC;? ?/, '');
}

afterEach(async () => {
  expect(await answersTo(1, commandPdu(3, echoRequest()))).toEqual(['RSP 8030 #1 0000']);
  expect(node.store.open()).toBe(0); // every sink was committed or discarded
});

describe('valid ways of packing', () => {
  it(situation(18), async () => {
    const uid = newUid();
    const bytes = dataSet({ sopInstanceUid: uid });
    expect(await answersTo(1, data(pdv(1, 3, storeRequest(uid)), pdv(1, 2, bytes)))).toEqual(['RSP 8001 #1 0000']);
    expectStored(uid, bytes);
  });
  it(situation(19), async () => {
    const uid = newUid();
    const bytes = dataSet({ sopInstanceUid: uid, pixelBytes: 400_000 });
    const parts = [bytes.subarray(0, 30_000), bytes.subarray(30_000, 60_000)].map((part) => pdv(1, 0, part));
    const first = data(pdv(1, 3, storeRequest(uid)), ...parts);
    expect(await answersTo(1, first, fragments(1, bytes.subarray(60_000), 100_000))).toEqual(['RSP 8001 #1 0000']);
    expectStored(uid, bytes);
  });
  it(situation(20), async () => {
    const uid = newUid();
    const bytes = dataSet({ sopInstanceUid: uid, pixelBytes: 400_000 });
    const pdus: Buffer[] = [commandPdu(1, storeRequest(uid))];
    for (let start = 0; start < bytes.length; start += 90_000) {
      const ends = [start + 30_000, start + 60_000, start + 90_000].filter((end) => end - 30_000 < bytes.length);
      pdus.push(data(...ends.map((end) => pdv(1, end >= bytes.length ? 2 : 0, bytes.subarray(end - 30_000, end)))));
    }
    expect(await answersTo(1, ...pdus)).toEqual(['RSP 8001 #1 0000']);
    expectStored(uid, bytes);
  });
  it(situation(21), async () => {
    const command = echoRequest();
    const halves = [data(pdv(3, 1, command.subarray(0, 20))), data(pdv(3, 3, command.subarray(20)))];
    expect(await answersTo(1, ...halves)).toEqual(['RSP 8030 #1 0000']);
  });
  it(situation(22), async () => {
    const uid = newUid();
    const bytes = dataSet({ sopInstanceUid: uid });
    const pdus = [commandPdu(1, storeRequest(uid)), dataPdu(1, bytes, false), dataPdu(1, Buffer.alloc(0))];
    expect(await answersTo(1, ...pdus)).toEqual(['RSP 8001 #1 0000']);
    expectStored(uid, bytes);
  });
  it(situation(81), async () => {
    const [one, two] = [newUid(), newUid()];
    const first = dataSet({ sopInstanceUid: one });
    const second = dataSet({ sopInstanceUid: two, pixelBytes: 40_002 });
    const pdus = [
      commandPdu(1, storeRequest(one)),
      dataPdu(1, first),
      commandPdu(1, storeRequest(two, { messageId: 2 })),
      dataPdu(1, second),
    ];
    expect(await answersTo(2, ...pdus)).toEqual(['RSP 8001 #1 0000', 'RSP 8001 #2 0000']);
    expectStored(one, first);
    expectStored(two, second);
  });
  it(situation(82), async () => {
    const objects = Array.from({ length: 8 }, (_, index) => {
      const uid = newUid();
      return { uid, bytes: dataSet({ sopInstanceUid: uid, pixelBytes: 400_000 + 2 * index }) };
    });
    const pdus = objects.flatMap(({ uid, bytes }, index) => [
      commandPdu(1, storeRequest(uid, { messageId: index + 1 })),
      fragments(1, bytes, 100_000),
    ]);
    expect(await answersTo(8, ...pdus)).toEqual(objects.map((_, index) => `RSP 8001 #${index + 1} 0000`));
    for (const { uid, bytes } of objects) expectStored(uid, bytes);
  });
  it(situation(83, 84), async () => {
    const ten = Array.from({ length: 10 }, (_, index) => commandPdu(3, echoRequest(index + 1)));
    expect(await answersTo(10, Buffer.concat(ten))).toHaveLength(10);
    expect(await answersTo(2, data(pdv(3, 3, echoRequest(1)), pdv(3, 3, echoRequest(2))))).toHaveLength(2);
  });
});

describe('commands', () => {
  const random = Buffer.from(Array.from({ length: 200 }, (_, index) => (index * 73 + 11) & 255));
  const overlong = echoRequest();
  overlong.writeUInt32LE(0x00ffffff, 16);
  const without = (...tags: number[]) => {
    // elements of group 0000 have a header of 8 bytes; the command is written anew without some of them
    const whole = storeRequest('1.2.3');
    const kept: Buffer[] = [];
    for (let offset = 0; offset < whole.length;) {
      const end = offset + 8 + whole.readUInt32LE(offset + 4);
      if (!tags.includes(whole.readUInt16LE(offset + 2))) kept.push(whole.subarray(offset, end));
      offset = end;
    }
    return Buffer.concat(kept);
  };
  it.each(
    rows<[SituationId, string, Buffer]>([
      [54, 'random bytes', random],
      [55, 'no bytes', Buffer.alloc(0)],
      [56, 'an element longer than the command', overlong],
      [59, 'no command field', without(0x0100)],
      ['no-data-set-type', 'no data set type', without(0x0800)],
      [62, 'no message id', without(0x0110)],
    ]),
  )('situation %s: %s aborts', async (_number, _name, command) => {
    expect(await endOf(commandPdu(1, command))).toBe('ABORT 0/0');
  });
  it(situation(57, 58), async () => {
    const wrong = echoRequest();
    wrong.writeUInt32LE(9999, 8);
    expect(await answersTo(1, commandPdu(3, echoRequest().subarray(12)))).toEqual(['RSP 8030 #1 0000']);
    expect(await answersTo(1, commandPdu(3, wrong))).toEqual(['RSP 8030 #1 0000']);
  });
  it(situation(60, 61, 87), async () => {
    const unknown = { field: 0x0abc, messageId: 7, affectedSopClassUid: verification };
    const bare = encodeCommand({ ...unknown, hasDataSet: false });
    expect(await answersTo(1, commandPdu(3, bare))).toEqual(['RSP 8abc #7 0211']);
    const laden = encodeCommand({ ...unknown, hasDataSet: true });
    const find = encodeCommand({ field: 0x20, messageId: 3, hasDataSet: true, affectedSopClassUid: ctClass });
    const pdus = [
      commandPdu(1, laden),
      dataPdu(1, dataSet({ sopInstanceUid: '1.2.3', pixelBytes: 100 })),
      commandPdu(1, find),
      dataPdu(1, element(8, 0x52, 'CS', 'STUDY')),
      commandPdu(3, echoRequest(8)),
    ];
    expect(await answersTo(3, ...pdus)).toEqual(['RSP 8abc #7 0211', 'RSP 8020 #3 0211', 'RSP 8030 #8 0000']);
  });
  it('the data set of an unknown operation has a limit', async () => {
    const laden = encodeCommand({ field: 0x0abc, messageId: 7, hasDataSet: true });
    expect(await endOf(commandPdu(1, laden), fragments(1, Buffer.alloc(4_300_000), 100_000).subarray(0, -1))).toBe(
      'ABORT 0/0',
    );
  });
  it(situation('broken-command'), async () => {
    const uid = newUid();
    const command = storeRequest(uid);
    const tag = command.lastIndexOf(Buffer.from([0, 0, 0, 0x10]));
    command.writeUInt32LE(0xffff, tag + 4);
    const pdus = [commandPdu(1, command), dataPdu(1, dataSet({ sopInstanceUid: uid })), commandPdu(3, echoRequest(2))];
    expect(await answersTo(2, ...pdus)).toEqual(['RSP 8001 #1 0212', 'RSP 8030 #2 0000']);
    expect(stored(uid)).toEqual([]);
  });
  it(situation('echo-data'), async () => {
    const peer = await associated();
    const laden = encodeCommand({ field: 0x30, messageId: 1, hasDataSet: true, affectedSopClassUid: verification });
    peer.send(commandPdu(3, laden), dataPdu(3, new Uint8Array(20)), commandPdu(3, echoRequest(2)));
    await peer.until(3);
    peer.destroy();
    expect(peer.log.slice(1)).toEqual(['RSP 8030 #1 0212', 'RSP 8030 #2 0000']);
    // The whole of the command set was read: who looks for its fault is told where it is.
    const errorComment = 'C-ECHO has no data set: Command Data Set Type is to be 0101';
    expect(peer.responses[0]).toMatchObject({ errorComment, offendingElements: [0x00000800] });
  });
  it(situation('explicit-command'), async () => {
    const uint16 = (value: number) => Uint8Array.of(value & 255, value >> 8);
    const elements = [
      element(0, 0x0002, 'UI', verification),
      element(0, 0x0100, 'US', uint16(0x30)),
      element(0, 0x0110, 'US', uint16(1)),
      element(0, 0x0800, 'US', uint16(0x0101)),
    ];
    expect(await endOf(commandPdu(3, Buffer.concat(elements)))).toBe('ABORT 0/0');
  });
  it(situation(85), async () => {
    const response = encodeCommand({ field: 0x8001, respondedTo: 4, hasDataSet: false, status: 0 });
    expect(await endOf(commandPdu(1, response))).toBe('ABORT 0/0');
  });
  it(situation(86), async () => {
    const cancel = encodeCommand({ field: 0x0fff, respondedTo: 4, hasDataSet: false });
    expect(await answersTo(1, commandPdu(3, cancel), commandPdu(3, echoRequest(5)))).toEqual(['RSP 8030 #5 0000']);
  });
  it(situation(91), async () => {
    const bytes = dataSet({ sopInstanceUid: '1.2.91' });
    expect(await endOf(data(pdv(1, 1, storeRequest('1.2.91'))), dataPdu(1, bytes))).toBe('ABORT 0/0');
  });
  it(situation(92), async () => {
    const piece = data(pdv(3, 1, Buffer.alloc(10_000)));
    expect(await endOf(piece, piece)).toBe('ABORT 0/0');
  });
});

describe('objects that are refused', () => {
  const uid = () => newUid();
  const refused = async (command: Buffer, bytes: Buffer) => {
    const peer = await associated();
    peer.send(commandPdu(1, command), fragments(1, bytes, 100_000), commandPdu(3, echoRequest(2)));
    await peer.until(3);
    peer.destroy();
    expect(peer.log[2]).toBe('RSP 8030 #2 0000'); // the association goes on
    const [response] = peer.responses;
    expect(response?.errorComment?.length ?? 0).toBeLessThanOrEqual(64);
    return { status: response?.status, offending: response?.offendingElements ?? [] };
  };
  const kept = () => node.store.objects.length;

  it.each(
    rows<[SituationId, string, string, number]>([
      [63, 'no instance UID', '', 0x0117],
      [64, 'an instance UID of 80 characters', `1.2.${'7'.repeat(76)}`, 0x0117],
      [65, 'an instance UID that is a path', '../evil', 0x0117],
    ]),
  )('situation %d: %s', async (_number, _name, instance, status) => {
    const before = kept();
    const bytes = dataSet({ sopInstanceUid: instance });
    expect(await refused(storeRequest(instance), bytes)).toEqual({ status, offending: [0x00001000] });
    expect(kept()).toBe(before);
  });

  const hex = (digits: string) => Buffer.from(digits.replaceAll(' ', ''), 'hex');
  const withElements = (own: string, elements: Buffer) =>
    Buffer.concat([dataSet({ sopInstanceUid: own, pixelBytes: 0 }), elements]);
  const lyingItem = hex(`08001111 5351 0000 ffffffff feff00e0 e8030000 ${'00'.repeat(20)} feffdde0 00000000`);
  // a sequence of 16 bytes with an item of 1000
  const lyingItemInside = hex(`08001111 5351 0000 10000000 feff00e0 e8030000 ${'00'.repeat(8)}`);
  const nested = (depth: number) =>
    Buffer.concat([
      ...Array.from({ length: depth }, () => hex('08001111 5351 0000 ffffffff feff00e0 ffffffff')),
      ...Array.from({ length: depth }, () => hex('feff0de0 00000000 feffdde0 00000000')),
    ]);

  const random = Buffer.from(Array.from({ length: 40_000 }, (_, index) => (index * 197 + (index >> 3)) & 255));
  type Refused = [string, (uid: string) => { command?: Buffer; bytes: Buffer }, number, number[]];
  const cases: [SituationId, ...Refused][] = [
    [
      66,
      'a class that is not the context’s',
      (own) => ({
        command: storeRequest(own, { affectedSopClassUid: mrClass }),
        bytes: dataSet({ sopInstanceUid: own, sopClassUid: mrClass }),
      }),
      0xa900,
      [0x00000002],
    ],
    [67, 'another instance UID', () => ({ bytes: dataSet({ sopInstanceUid: '1.2.67' }) }), 0xa900, [0x00080018]],
    [
      68,
      'another class UID',
      (own) => ({ bytes: dataSet({ sopInstanceUid: own, sopClassUid: mrClass }) }),
      0xa900,
      [0x00080016],
    ],
    [69, 'random bytes', () => ({ bytes: random }), 0xc000, []],
    [70, 'cut in pixel data', (own) => ({ bytes: dataSet({ sopInstanceUid: own }).subarray(0, 20_000) }), 0xc000, []],
    [72, 'an empty data set', () => ({ bytes: Buffer.alloc(0) }), 0xc000, []],
    ['deep', 'sequences nested deeper than 64', (own) => ({ bytes: withElements(own, nested(65)) }), 0xc000, []],
    ['lying-item', 'an item longer than its sequence', (own) => ({ bytes: withElements(own, lyingItem) }), 0xc000, []],
    [
      'lying-item',
      'an item longer than its sequence of defined length',
      (own) => ({ bytes: withElements(own, Buffer.concat([lyingItemInside, element(0x10, 0x20, 'LO', 'X')])) }),
      0xc000,
      [],
    ],
    [
      'undefined-length',
      'a text of undefined length',
      (own) => ({ bytes: withElements(own, hex('08000121 5554 0000 ffffffff')) }),
      0xc000,
      [],
    ],
  ];
  const others: ['other', ...Refused][] = [
    ['other', 'no instance UID in it', () => ({ bytes: dataSet({ sopInstanceUid: '' }) }), 0xc001, [0x00080018]],
    [
      'other',
      'no series UID',
      (own) => ({ bytes: dataSet({ sopInstanceUid: own, seriesInstanceUid: '' }) }),
      0xc001,
      [0x0020000e],
    ],
    [
      'other',
      'a study UID that is none',
      (own) => ({ bytes: dataSet({ sopInstanceUid: own, studyInstanceUid: '1.2.x' }) }),
      0xc002,
      [0x0020000d],
    ],
    [
      'other',
      'longer than the limit',
      (own) => ({ bytes: dataSet({ sopInstanceUid: own, pixelBytes: 1_200_000 }) }),
      0xa700,
      [],
    ],
  ];
  it.each([...rows(cases), ...others])('%s %s', async (_number, _name, make, status, offending) => {
    const own = uid();
    const before = kept();
    const { command = storeRequest(own), bytes } = make(own);
    const answer = bytes.length === 0 ? [commandPdu(1, command), dataPdu(1, bytes)] : null;
    if (answer) expect(await answersTo(1, ...answer)).toEqual(['RSP 8001 #1 c000']);
    else expect(await refused(command, bytes)).toEqual({ status, offending });
    expect(kept()).toBe(before);
  });

  it(situation('bomb'), async () => {
    const own = uid();
    const before = kept();
    const bomb = deflateRawSync(dataSet({ sopInstanceUid: own, pixelBytes: 0 }));
    const zeros = deflateRawSync(
      Buffer.concat([dataSet({ sopInstanceUid: own, pixelBytes: 0 }), new Uint8Array(40 << 20)]),
    );
    for (const [bytes, status] of [
      [zeros, 'c000'],
      [bomb, '0000'],
    ] as const) {
      const contexts = [context(1, ctClass, [deflated])];
      const peer = await associated(associateRequest({ contexts }));
      peer.send(commandPdu(1, storeRequest(own)), fragments(1, bytes, 100_000));
      await peer.until(2);
      peer.destroy();
      expect(peer.log).toEqual(['AC', `RSP 8001 #1 ${status}`]);
    }
    expect(kept()).toBe(before + 1);
  });
  it(situation('huge-matrix'), async () => {
    const own = uid();
    const huge = [
      element(0x28, 0x08, 'IS', '2147483647'),
      element(0x28, 0x10, 'US', hex('ffff')),
      element(0x28, 0x11, 'US', hex('ffff')),
    ];
    const bytes = withElements(own, Buffer.concat(huge));
    // nothing is decoded here, so nothing is allocated by it: what was sent is kept, the gate refuses to enhance it
    expect((await refused(storeRequest(own), bytes)).status).toBe(0);
    expectStored(own, bytes);
  });
  it('what is stored over a context of no storage', async () => {
    const [own, before] = [uid(), kept()];
    const bytes = dataSet({ sopInstanceUid: own, sopClassUid: verification });
    const contexts = [context(1, verification)];
    const peer = await associated(associateRequest({ contexts }));
    peer.send(commandPdu(1, storeRequest(own, { affectedSopClassUid: verification })), fragments(1, bytes, 100_000));
    await peer.until(2);
    peer.destroy();
    expect(peer.log).toEqual(['AC', 'RSP 8001 #1 0211']);
    expect(kept()).toBe(before);
  });
  it('a component with a leading zero is accepted', async () => {
    const own = `${newUid()}.007`;
    expect((await refused(storeRequest(own), dataSet({ sopInstanceUid: own }))).status).toBe(0);
    expect(stored(own)).toHaveLength(1);
  });
  it(situation(71), async () => {
    expect(await answersTo(1, commandPdu(1, storeRequest(uid(), { hasDataSet: false })))).toEqual(['RSP 8001 #1 c000']);
  });
  it('more than twice the limit aborts', async () => {
    const own = uid();
    const bytes = dataSet({ sopInstanceUid: own, pixelBytes: 2_100_000 });
    expect(await endOf(commandPdu(1, storeRequest(own)), fragments(1, bytes, 100_000))).toBe('ABORT 0/0');
  });
});

describe('messages out of order', () => {
  const half = () => {
    const uid = newUid();
    const bytes = dataSet({ sopInstanceUid: uid, pixelBytes: 200_000 });
    const begun = [commandPdu(1, storeRequest(uid)), dataPdu(1, bytes.subarray(0, 100_000), false)];
    return { uid, begun, rest: bytes.subarray(100_000), bytes };
  };
  it(situation(53), async () => {
    expect(await endOf(dataPdu(1, dataSet({ sopInstanceUid: '1.2.3' })))).toBe('ABORT 0/0');
  });
  it(situation(73), async () => {
    const { uid, begun, rest } = half();
    expect(await endOf(...begun, commandPdu(1, echoRequest(9)), dataPdu(1, rest))).toBe('ABORT 0/0');
    expect(stored(uid)).toEqual([]);
  });
  it(situation(74), async () => {
    const { uid, begun, rest } = half();
    const peer = await associated(associateRequest({ contexts: [context(1), context(3, mrClass)] }));
    peer.send(...begun, dataPdu(3, rest));
    expect(await peer.closed()).toBe('AC; ABORT 0/0');
    expect(stored(uid)).toEqual([]);
  });
  it(situation(77), async () => {
    const { uid, begun } = half();
    expect(await endOf(...begun, encodeReleaseRequest())).toBe('RELEASE-RP');
    expect(stored(uid)).toEqual([]);
  });
  it(situation(78), async () => {
    const { uid, begun } = half();
    expect(await endOf(...begun, encodeAbort({ source: 0, reason: 0 }))).toBe('');
    expect(stored(uid)).toEqual([]);
    expect(node.store.ended.at(-1)?.how).toBe('aborted');
  });
  it.each(
    rows([
      [79, 'reset'],
      [80, 'fin'],
    ]),
  )('situation %d: %s inside a data set', async (_number, way) => {
    const { uid, begun } = half();
    const before = node.store.ended.length;
    const peer = await associated();
    peer.send(...begun);
    await new Promise((resolve) => setTimeout(resolve, 50)); // a reset throws away what has not arrived
    if (way === 'reset') peer.socket.resetAndDestroy();
    else peer.socket.end();
    while (node.store.ended.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(node.store.ended.at(-1)?.how).toBe('lost');
    expect(stored(uid)).toEqual([]);
  });
  it(situation(88), async () => {
    const { uid, begun, rest, bytes } = half();
    const end = await endOf(...begun, dataPdu(1, rest), dataPdu(1, Buffer.alloc(5000)));
    expect(end).toMatch(/^(RSP 8001 #1 0000; )?ABORT 0\/0$/);
    expectStored(uid, bytes);
  });
  it(situation(89), async () => {
    const uid = newUid();
    const bytes = dataSet({ sopInstanceUid: uid, pixelBytes: 200_000 });
    const pdus = [bytes.subarray(0, 100_000), bytes.subarray(100_000)].map((part) => dataPdu(1, part));
    expect(await endOf(commandPdu(1, storeRequest(uid)), ...pdus)).toMatch(/^(RSP 8001 #1 c000; )?ABORT 0\/0$/);
    expect(stored(uid)).toEqual([]);
  });
  it(situation(90), async () => {
    const { uid, begun, rest } = half();
    const next = newUid();
    const pdus = [
      dataPdu(1, rest, false),
      commandPdu(1, storeRequest(next)),
      dataPdu(1, dataSet({ sopInstanceUid: next })),
    ];
    expect(await endOf(...begun, ...pdus)).toBe('ABORT 0/0');
    expect([...stored(uid), ...stored(next)]).toEqual([]);
  });
  it(situation(103), async () => {
    const { uid, begun, rest, bytes } = half();
    expect(await endOf(...begun, dataPdu(1, rest), encodeReleaseRequest())).toBe('RSP 8001 #1 0000; RELEASE-RP');
    expectStored(uid, bytes);
    expect(node.store.ended.at(-1)?.how).toBe('released');
  });
});

expectEverySituation('io/dimse/message-situations');
