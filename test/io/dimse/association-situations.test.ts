// What the SCP does with wrong and hostile PDUs and association requests: each on its own connection; afterwards the node still serves.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { AssociateRequest } from '../../../src/io/dimse/associate-pdu.js';
import { bodyOf, decodeAssociateRequest, encodeAssociateAccept } from '../../../src/io/dimse/associate-pdu.js';
import { answerRequest, requestFor } from '../../../src/io/dimse/negotiate.js';
import { implementationClassUid, implementationVersionName } from '../../../src/version.js';
import { encodePdu, encodeReleaseRequest, encodeReleaseResponse } from '../../../src/io/dimse/pdu.js';
import {
  associateRequest,
  commandPdu,
  context,
  ctClass,
  data,
  dataSet,
  echoRequest,
  explicitLittle,
  fragments,
  implicitLittle,
  mrClass,
  pdv,
  storeRequest,
  usualContexts,
  userItem,
  verification,
  withUserItems,
} from '../../support/dimse-bytes.js';
import { type ScriptedPeer, scriptedPeer } from '../../support/scripted-peer.js';
import { type SituationId, expectEverySituation, rows, situation } from '../../support/situations.js';
import { type TestScp, openTestScp, silentLog } from '../../support/test-scp.js';

const zeros = (count: number) => new Uint8Array(count);
const hex = (digits: string) => Buffer.from(digits, 'hex');

let node: TestScp;
beforeAll(async () => {
  node = await openTestScp({ limits: { artimMs: 2000 } });
});
afterAll(() => node.scp.close());

async function associated(request = associateRequest()): Promise<ScriptedPeer> {
  const peer = await scriptedPeer(node.scp.port);
  peer.send(request);
  await peer.until(1);
  return peer;
}

afterEach(async () => {
  const peer = await associated();
  peer.send(commandPdu(3, echoRequest()), encodeReleaseRequest());
  expect(await peer.closed()).toBe('AC; RSP 8030 #1 0000; RELEASE-RP');
});

describe('a wrong PDU before an association', () => {
  it.each(
    rows<[SituationId, string, Uint8Array, string]>([
      [1, 'unknown type 09', encodePdu(4, zeros(4)).fill(9, 0, 1), 'ABORT 2/1'],
      [4, 'HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 'ABORT 2/1'],
      [4, 'HTTP, its first byte alone', Buffer.from('G'), 'ABORT 2/1'],
      [5, 'TLS ClientHello', hex(`16030100f8010000f40303${'00'.repeat(80)}`), 'ABORT 2/1'],
      [7, 'A-ASSOCIATE-RQ of length 0', encodePdu(1, zeros(0)), 'ABORT 2/6'],
      [9, 'A-ASSOCIATE-RQ that claims 4 GB', Buffer.concat([hex('0100ffffffff'), zeros(65536)]), 'ABORT 2/6'],
      [23, 'P-DATA-TF', commandPdu(1, echoRequest()), 'ABORT 2/2'],
      [24, 'A-RELEASE-RQ', encodeReleaseRequest(), 'ABORT 2/2'],
      [
        25,
        'A-ASSOCIATE-AC',
        encodeAssociateAccept(
          answerRequest(requestFor({ calledAe: 'A', callingAe: 'B' }, usualContexts, 16384), 16384),
        ),
        'ABORT 2/2',
      ],
      [43, 'A-ASSOCIATE-RQ cut after 40 bytes', encodePdu(1, associateRequest().subarray(6, 46)), 'ABORT 2/6'],
    ]),
  )('situation %d: %s', async (_number, _name, bytes, expected) => {
    const peer = await scriptedPeer(node.scp.port);
    peer.send(bytes);
    expect(await peer.closed()).toBe(expected);
  });
});

describe('a wrong PDU in an open association', () => {
  it.each(
    rows<[SituationId, string, Uint8Array, string]>([
      [2, 'unknown type 2A', encodePdu(4, zeros(10)).fill(0x2a, 0, 1), 'ABORT 2/1'],
      [3, 'unknown type FF', encodePdu(4, zeros(10)).fill(0xff, 0, 1), 'ABORT 2/1'],
      [6, 'P-DATA-TF of length 0', encodePdu(4, zeros(0)), 'ABORT 2/6'],
      [8, 'P-DATA-TF that claims 4 GB', Buffer.concat([hex('0400ffffffff'), zeros(1 << 20)]), 'ABORT 2/6'],
      [10, 'A-RELEASE-RQ of length 5', encodePdu(5, zeros(5)), 'ABORT 2/6'],
      [11, 'P-DATA-TF of eight times the announced maximum', data(pdv(1, 2, zeros(1 << 20))), 'ABORT 2/6'],
      [12, 'PDV of length 0', encodePdu(4, hex('000000000100')), 'ABORT 2/6'],
      [13, 'PDV of length 1', encodePdu(4, hex('000000010100')), 'ABORT 2/6'],
      [14, 'PDV longer than its PDU', encodePdu(4, hex('0000ffff0103aabbccdd')), 'ABORT 2/6'],
      [15, 'PDV of length FFFFFFFF', encodePdu(4, hex('ffffffff0103aabbccdd')), 'ABORT 2/6'],
      [16, '3 stray bytes behind the last PDV', data(pdv(3, 3, echoRequest()), zeros(3)), 'ABORT 2/6'],
      [26, 'a second A-ASSOCIATE-RQ', associateRequest(), 'ABORT 2/2'],
      [27, 'A-RELEASE-RP without a request', encodeReleaseResponse(), 'ABORT 2/2'],
      [75, 'a context that was never proposed', commandPdu(77, echoRequest()), 'ABORT 2/6'],
    ]),
  )('situation %d: %s', async (_number, _name, bytes, expected) => {
    const peer = await associated();
    peer.send(bytes);
    expect(await peer.closed()).toBe(`AC; ${expected}`);
  });

  it(situation(76), async () => {
    const contexts = [context(1, ctClass, ['1.2.3.4.5']), context(3, verification, [implicitLittle])];
    const peer = await associated(associateRequest({ contexts }));
    peer.send(commandPdu(1, storeRequest('1.2.76')));
    expect(await peer.closed()).toBe('AC; ABORT 2/6');
  });
});

describe('an association request that is refused', () => {
  const changed = (change: (pdu: Buffer) => void) => {
    const pdu = associateRequest();
    change(pdu);
    return pdu;
  };
  it.each(
    rows<[SituationId, string, Buffer, string]>([
      [
        29,
        '129 contexts',
        associateRequest({ contexts: Array.from({ length: 129 }, (_, index) => context((2 * index + 1) & 255)) }),
        'ABORT 2/6',
      ],
      [30, 'the same context id twice', associateRequest({ contexts: [context(1), context(1, mrClass)] }), 'ABORT 2/6'],
      [31, 'an even context id', associateRequest({ contexts: [context(2)] }), 'ABORT 2/6'],
      [32, 'context id 0', associateRequest({ contexts: [context(0)] }), 'ABORT 2/6'],
      [37, 'a context without transfer syntax', associateRequest({ contexts: [context(1, ctClass, [])] }), 'ABORT 2/6'],
      [
        38,
        'another application context',
        associateRequest({ applicationContext: '1.2.840.10008.3.1.1.9' }),
        'RJ 1/1/2',
      ],
      [39, 'protocol version 2', associateRequest({ protocolVersion: 2 }), 'RJ 1/2/2'],
      [40, 'an empty called AE title', associateRequest({ calledAe: '' }), 'RJ 1/1/7'],
      [40, 'a called AE title that is none of ours', associateRequest({ calledAe: 'OTHER' }), 'RJ 1/1/7'],
      [40, 'a called AE title among tabs, which are no spaces', associateRequest({ calledAe: '\tLIMPID' }), 'RJ 1/1/7'],
      [41, 'an item longer than the PDU', changed((pdu) => pdu.writeUInt16BE(0xfff0, 76)), 'ABORT 2/6'],
      [
        42,
        'a sub-item longer than its item',
        changed((pdu) => pdu.writeUInt16BE(0x0fff, pdu.indexOf(hex('300000')) + 2)),
        'ABORT 2/6',
      ],
      [46, 'a maximum length of 6', associateRequest({ maximumLength: 6 }), 'ABORT 2/6'],
      ...[0, 2, 3, 5, 8].map((length): [SituationId, string, Buffer, string] => [
        'maximum-length',
        `a maximum length sub-item of ${length} bytes`,
        withUserItems(associateRequest(), userItem(0x51, Buffer.alloc(length))),
        'ABORT 2/6',
      ]),
      [52, 'a user identity of 2 bytes', withUserItems(associateRequest(), hex('580000020101')), 'ABORT 2/6'],
    ]),
  )('situation %d: %s', async (_number, _name, bytes, expected) => {
    const peer = await scriptedPeer(node.scp.port);
    peer.send(bytes);
    expect(await peer.closed()).toBe(expected);
  });

  it('by admission, with its own triple; who was refused, and why, stands in the log', async () => {
    const admit = () => ({ kind: 'reject', result: 1, source: 1, reason: 3, why: 'not in the list' }) as const;
    const said: [string, object | undefined][] = [];
    const log = { ...silentLog, warn: (event: string, fields?: object) => void said.push([event, fields]) };
    const other = await openTestScp({ admit, log });
    const peer = await scriptedPeer(other.scp.port);
    peer.send(associateRequest());
    expect(await peer.closed()).toBe('RJ 1/1/3');
    expect(other.store.ended).toEqual([]);
    await other.scp.close();
    const { callingAe, calledAe } = decodeAssociateRequest(bodyOf(associateRequest()), 1);
    const who = { address: '127.0.0.1', callingAe, calledAe, why: 'not in the list', reason: 3 };
    expect(said).toEqual([['association rejected', expect.objectContaining(who)]]);
  });
});

describe('what is answered to an association request', () => {
  const answerTo = async (changes: Partial<AssociateRequest>) => {
    const peer = await associated(associateRequest(changes));
    const accept = peer.accept();
    peer.destroy();
    if (accept === null) throw new Error(`no A-ASSOCIATE-AC: ${peer.log.join('; ')}`);
    return accept;
  };
  const results = async (changes: Partial<AssociateRequest>) =>
    (await answerTo(changes)).contexts.map(({ id, result }) => [id, result]);

  it(situation(28), async () => {
    const contexts = Array.from({ length: 128 }, (_, index) => context(2 * index + 1));
    expect(await results({ contexts })).toEqual(contexts.map(({ id }) => [id, 0]));
  });
  it(situation(33), async () => {
    const contexts = [context(5), context(3, mrClass), context(1, verification, [implicitLittle])];
    const expected = [
      [5, 0],
      [3, 0],
      [1, 0],
    ];
    expect(await results({ contexts })).toEqual(expected);
  });
  it.each(
    rows<[SituationId, string, AssociateRequest['contexts'], number]>([
      [34, 'only an unknown transfer syntax', [context(1, ctClass, ['1.2.3.4.5'])], 4],
      [35, 'only an unknown abstract syntax', [context(1, '1.2.3.4.5')], 3],
      [44, 'an abstract syntax of 70 characters', [context(1, `1.2.${'3'.repeat(66)}`)], 3],
      [45, 'UIDs padded with NUL and blanks', [context(1, `${ctClass}\0`, [`${explicitLittle} `])], 0],
    ]),
  )('situation %d: %s', async (_number, _name, contexts, result) => {
    expect(await results({ contexts })).toEqual([[1, result]]);
  });
  it(situation(36), async () => {
    expect(await results({ contexts: [] })).toEqual([]);
  });
  it.each(
    rows([
      [47, 0],
      [48, 16384],
    ]),
  )('situation %d: the peer announces %d, limpid its own maximum', async (_number, maximumLength) => {
    expect((await answerTo({ maximumLength })).maximumLength).toBe(131_072);
  });
  it('thousands of extended negotiations: of what was accepted each class once, in an answer that can be read', async () => {
    const negotiation = (uid: string) =>
      userItem(0x56, Buffer.concat([Uint8Array.of(0, uid.length), Buffer.from(uid)]));
    const classes = Array.from({ length: 1900 }, (_, index) => (index % 2 === 0 ? ctClass : `${ctClass}.${index}`));
    const peer = await associated(withUserItems(associateRequest(), ...classes.map(negotiation)));
    const accept = peer.accept();
    peer.destroy();
    expect(accept?.extended.map(({ sopClassUid }) => sopClassUid)).toEqual([ctClass]);
  });
  it(situation(49), async () => {
    expect((await answerTo({ asyncWindow: { invoked: 0, performed: 0 } })).asyncWindow).toBeNull();
  });
  it(situation(50), async () => {
    const roles = [{ sopClassUid: ctClass, scu: 1, scp: 1 }];
    expect((await answerTo({ roles })).roles).toEqual([{ sopClassUid: ctClass, scu: 1, scp: 0 }]);
  });
  it(situation(51), async () => {
    const identity = { type: 2, positiveResponse: true, primary: Buffer.from('u'), secondary: Buffer.from('p') };
    expect((await answerTo({ identity })).contexts.map(({ result }) => result)).toEqual([0, 0]);
  });
  it('SOP Class Common Extended Negotiation is read over, right or wrong: it has no answer', async () => {
    const counted = (text: string) => Buffer.concat([Buffer.from([0, text.length]), Buffer.from(text)]);
    const right = Buffer.concat([counted(ctClass), counted('1.2.840.10008.4.2'), Buffer.from([0, 0])]);
    for (const value of [right, right.subarray(0, 7), Buffer.alloc(0), Buffer.alloc(300, 0xff)]) {
      const peer = await associated(withUserItems(associateRequest(), userItem(0x57, value), userItem(0x7f, value)));
      const accept = peer.accept();
      expect(accept?.contexts.map(({ result }) => result)).toEqual([0, 0]);
      expect(accept?.extended).toEqual([]);
      peer.send(commandPdu(3, echoRequest()), encodeReleaseRequest());
      expect(await peer.closed()).toBe('AC; RSP 8030 #1 0000; RELEASE-RP');
    }
  });
  it('a class that nobody knows is taken for storage where the caller names that service, and not otherwise', async () => {
    const [vendor, find, later] = ['1.3.12.2.1107.5.9.1', '1.2.840.10008.5.1.4.1.2.2.1', '1.2.840.10008.5.1.4.99.7'];
    const contexts = [vendor, later, find, '1.2.840.10008.5.1.4.1.1.200.4'].map((uid, index) =>
      context(2 * index + 1, uid, [explicitLittle]),
    );
    const named = (serviceClassUid: string) =>
      contexts.map(({ abstractSyntaxUid }) => ({ sopClassUid: abstractSyntaxUid, serviceClassUid }));
    const resultsWith = async (common: AssociateRequest['common']) =>
      (await results({ contexts, common })).map(([, result]) => result);
    expect(await resultsWith([])).toEqual([3, 3, 3, 3]);
    expect(await resultsWith(named('1.2.840.10008.4.2').slice(0, 2))).toEqual([0, 0, 3, 3]);
    // Of a query limpid knows better; another service is none of its own.
    expect(await resultsWith(named('1.2.840.10008.4.2').slice(3))).toEqual([3, 3, 3, 3]);
    expect(await resultsWith(named('1.2.840.10008.4.3'))).toEqual([3, 3, 3, 3]);
  });
  it('an object of such a class is stored', async () => {
    const [vendor, uid] = ['1.3.12.2.1107.5.9.1', '1.2.3.57'];
    const contexts = [context(1, vendor, [explicitLittle])];
    const common = [{ sopClassUid: vendor, serviceClassUid: '1.2.840.10008.4.2' }];
    const peer = await associated(associateRequest({ contexts, common }));
    peer.send(
      commandPdu(1, storeRequest(uid, { affectedSopClassUid: vendor })),
      fragments(1, dataSet({ sopInstanceUid: uid, sopClassUid: vendor }), 100_000),
      encodeReleaseRequest(),
    );
    expect(await peer.closed()).toBe('AC; RSP 8001 #1 0000; RELEASE-RP');
  });
  it('extended negotiation of other services has no answer', async () => {
    const extended = [{ sopClassUid: '1.2.840.10008.5.1.4.1.2.2.1', information: Buffer.from([1, 1, 1]) }];
    expect((await answerTo({ extended })).extended).toEqual([]);
  });
  it('who answers is told: implementation class and version; the maximum is its own', async () => {
    const accept = await answerTo({});
    expect([accept.implementationClassUid, accept.implementationVersionName]).toEqual([
      implementationClassUid,
      implementationVersionName,
    ]);
    expect(implementationVersionName.length).toBeLessThanOrEqual(16);
  });
  it('titles and reserved bytes come back as they were sent, however they are read', async () => {
    const sent = associateRequest();
    sent.write('  LIMPID\0rubbish', 10, 'latin1');
    sent.write('RAW\0            ', 26, 'latin1');
    sent.fill(0xab, 42, 74);
    const peer = await scriptedPeer(node.scp.port);
    const got: Buffer[] = [];
    peer.socket.on('data', (chunk: Buffer) => got.push(chunk));
    peer.send(sent);
    await peer.until(1);
    expect(peer.log).toEqual(['AC']);
    expect(Buffer.concat(got).subarray(10, 74)).toEqual(sent.subarray(10, 74));
    peer.destroy();
  });
  it('role selection of Verification: its SCU; of a class that wants neither role: neither', async () => {
    const roles = [
      { sopClassUid: verification, scu: 1, scp: 1 },
      { sopClassUid: mrClass, scu: 0, scp: 1 },
    ];
    expect((await answerTo({ roles })).roles).toEqual([
      { sopClassUid: verification, scu: 1, scp: 0 },
      { sopClassUid: mrClass, scu: 0, scp: 0 },
    ]);
  });
  it.each([1, 2, 3, 4, 5])(
    'a user identity of type %d is read, and not answered: nobody has checked it',
    async (type) => {
      const identity = { type, positiveResponse: true, primary: Buffer.from('ticket'), secondary: Buffer.alloc(0) };
      const accept = await answerTo({ identity });
      expect(accept.identityAnswered).toBe(false);
      expect(accept.contexts.map(({ result }) => result)).toEqual([0, 0]);
    },
  );
  it('storage extended negotiation: level 2, nothing coerced', async () => {
    const extended = [{ sopClassUid: ctClass, information: Buffer.from([1, 0, 3, 0, 1, 0]) }];
    const [answered] = (await answerTo({ extended })).extended;
    expect(Buffer.from(answered?.information ?? []).toString('hex')).toBe('020000000000');
  });
});

it(situation(17), async () => {
  const peer = await scriptedPeer(node.scp.port);
  for (const byte of Buffer.concat([associateRequest(), commandPdu(3, echoRequest()), encodeReleaseRequest()])) {
    await new Promise<void>((resolve) => peer.socket.write(Uint8Array.of(byte), () => resolve()));
  }
  expect(await peer.closed()).toBe('AC; RSP 8030 #1 0000; RELEASE-RP');
});

it.each([8, 9, 10, 64])('an answer is cut to a peer that receives %d bytes', async (maximumLength) => {
  const peer = await associated(associateRequest({ maximumLength }));
  peer.send(commandPdu(3, echoRequest()));
  await peer.until(2);
  expect(peer.log).toEqual(['AC', 'RSP 8030 #1 0000']);
  peer.destroy();
});

it(situation(100, 101), async () => {
  for (let index = 0; index < 50; index++) {
    const peer = await scriptedPeer(node.scp.port);
    if (index % 2 === 1) peer.send(associateRequest());
    peer.socket.resetAndDestroy();
  }
  const peer = await associated();
  const bytes = dataSet({ sopInstanceUid: '1.2.101' });
  peer.send(commandPdu(1, storeRequest('1.2.101')), fragments(1, bytes, 20_000));
  await peer.until(2);
  expect(peer.log).toEqual(['AC', 'RSP 8001 #1 0000']);
  peer.destroy();
});

expectEverySituation('io/dimse/association-situations');
