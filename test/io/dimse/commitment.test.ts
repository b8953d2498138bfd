// Storage Commitment on the wire: data sets, roles, N-ACTION and N-EVENT-REPORT in both directions, wrong ones among them.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import dimse from 'dcmjs-dimse';
import fc from 'fast-check';
import { LimpidError } from '../../../src/errors.js';
import {
  type CommitmentReport,
  type CommitmentRequest,
  type CommitmentService,
  type SendReport,
  decodeCommitmentReport,
  decodeCommitmentRequest,
  encodeCommitmentReport,
  encodeCommitmentRequest,
} from '../../../src/io/dimse/commitment.js';
import { acceptsCommitment, openCommitment, reportCommitment } from '../../../src/io/dimse/commitment-scu.js';
import { type Command, encodeCommand } from '../../../src/io/dimse/command.js';
import { SopClass, storageCommitmentInstance } from '../../../src/io/dimse/constants.js';
import { type CommitmentOffer, answerRequest, requestFor } from '../../../src/io/dimse/negotiate.js';
import { encodeData } from '../../../src/io/dimse/pdu.js';
import type { AssociationInfo, StoreAnswer } from '../../../src/io/dimse/sink.js';
import type { Log } from '../../../src/observe/log.js';
import {
  associateRequest,
  commandPdu,
  context,
  ctClass,
  dataPdu,
  echoRequest,
  explicitLittle,
  implicitLittle,
  verification,
} from '../../support/dimse-bytes.js';
import { freePort } from '../../support/free-port.js';
import { scriptedPeer } from '../../support/scripted-peer.js';
import { type Exchange, type ScriptedScp, openScriptedScp } from '../../support/scripted-scp.js';
import { type TestScp, openTestScp, silentLog } from '../../support/test-scp.js';
import { openClosers } from '../../support/closers.js';

dimse.log.setLevel('error');

const pushModel = SopClass.StorageCommitment;
const uid = fc.array(fc.nat(99_999), { minLength: 2, maxLength: 8 }).map((parts) => `1.${parts.join('.')}`);
const reference = fc.record({ sopClassUid: uid, sopInstanceUid: uid });
const request: CommitmentRequest = {
  transactionUid: '2.25.1',
  references: [
    { sopClassUid: ctClass, sopInstanceUid: '1.2.3.1' },
    { sopClassUid: ctClass, sopInstanceUid: '1.2.3.22' },
  ],
};
const report: CommitmentReport = {
  transactionUid: '2.25.1',
  committed: [{ sopClassUid: ctClass, sopInstanceUid: '1.2.3.1' }],
  failed: [{ sopClassUid: ctClass, sopInstanceUid: '1.2.3.22', reason: 0x0112 }],
};

const closers = openClosers();

/** A service that keeps what it gets; `requested` answers as told. */
function recording(answer: StoreAnswer = { status: 0 }): CommitmentService & {
  readonly requests: CommitmentRequest[];
  readonly reports: CommitmentReport[];
  readonly senders: SendReport[];
} {
  const requests: CommitmentRequest[] = [];
  const reports: CommitmentReport[] = [];
  const senders: SendReport[] = [];
  return {
    requests,
    reports,
    senders,
    offers: () => ({ requests: true, reports: true }),
    requested: (_: AssociationInfo, asked, sendReport) => {
      requests.push(asked);
      senders.push(sendReport);
      return Promise.resolve(answer);
    },
    reported: (_: AssociationInfo, told) => {
      reports.push(told);
      return Promise.resolve(answer);
    },
  };
}

async function nodeWith(commitment: CommitmentService): Promise<TestScp> {
  const node = await openTestScp({ commitment });
  closers.push(() => node.scp.close());
  return node;
}

async function peerWith(message: (exchange: Exchange) => void): Promise<ScriptedScp> {
  const scp = await openScriptedScp({
    associate: (asked) => answerRequest(asked, 16_384, { requests: true, reports: true }),
    message,
  });
  closers.push(() => scp.close());
  return scp;
}

/** Command of a report; its data set follows. @param eventTypeId 1: all committed, 2: some not */
const eventReport = (eventTypeId: 1 | 2): Command => ({
  field: 0x0100,
  messageId: 900,
  hasDataSet: true,
  affectedSopClassUid: pushModel,
  affectedSopInstanceUid: storageCommitmentInstance,
  eventTypeId,
});
const targetAt = (port: number) => ({ aeTitle: 'LIMPID', host: '127.0.0.1', port, callingAe: 'TEST' });

/** Opens, asks once, leaves it open. */
async function askCommitment(
  target: Parameters<typeof openCommitment>[0],
  asked: CommitmentRequest,
  options: Parameters<typeof openCommitment>[1],
) {
  const session = await openCommitment(target, options);
  return { ...(await session.ask(asked)), release: () => session.release() };
}

describe('data sets of storage commitment', () => {
  for (const syntax of [explicitLittle, implicitLittle]) {
    it(`come back as they were written (${syntax})`, () => {
      fc.assert(
        fc.property(uid, fc.array(reference, { minLength: 1, maxLength: 5 }), (transactionUid, references) => {
          const asked = { transactionUid, references };
          expect(decodeCommitmentRequest(encodeCommitmentRequest(asked, syntax), syntax)).toEqual(asked);
        }),
      );
      const failed = fc.record({ sopClassUid: uid, sopInstanceUid: uid, reason: fc.nat(0xffff) });
      const lists = [fc.array(reference, { maxLength: 4 }), fc.array(failed, { maxLength: 4 })] as const;
      fc.assert(
        fc.property(uid, ...lists, (transactionUid, committed, failures) => {
          const told = { transactionUid, committed, failed: failures };
          expect(decodeCommitmentReport(encodeCommitmentReport(told, syntax), syntax)).toEqual(told);
        }),
      );
    });

    it(`that are cut or spoilt are refused by a code, never otherwise (${syntax})`, () => {
      const right = encodeCommitmentReport(report, syntax);
      fc.assert(
        fc.property(fc.nat(right.length - 1), fc.nat(255), fc.nat(right.length), (at, value, length) => {
          const spoilt = Uint8Array.from(right).subarray(0, length);
          if (at < length) spoilt[at] = value;
          for (const read of [decodeCommitmentReport, decodeCommitmentRequest]) {
            try {
              read(spoilt, syntax);
            } catch (error) {
              if (!(error instanceof LimpidError) || !error.code.startsWith('DICOM_')) throw error;
            }
          }
        }),
        { numRuns: 500 },
      );
    });
  }
});

it('a report is read though an item names no class, or no instance', () => {
  const [first, second, third] = ['1.2.1', '1.2.2', '1.2.3'].map((sopInstanceUid) => ({
    sopClassUid: '',
    sopInstanceUid,
  }));
  if (!first || !second || !third) throw new Error('no references');
  const nameless = { sopClassUid: ctClass, sopInstanceUid: '' };
  const told = {
    transactionUid: '2.25.1',
    committed: [first, nameless, second],
    failed: [
      { ...nameless, reason: 0x0112 },
      { ...third, reason: 0x0112 },
    ],
  };
  expect(decodeCommitmentReport(encodeCommitmentReport(told, explicitLittle), explicitLittle)).toEqual({
    transactionUid: '2.25.1',
    committed: [first, second],
    failed: [{ ...third, reason: 0x0112 }],
  });
});

describe('the Push Model in negotiation', () => {
  const push = context(1, pushModel, [explicitLittle, implicitLittle]);
  const answer = (roles: { scu: number; scp: number }[], offer: { requests: boolean; reports: boolean }) => {
    const selected = roles.map((role) => ({ sopClassUid: pushModel, ...role }));
    const accept = answerRequest(
      requestFor({ calledAe: 'A', callingAe: 'B' }, [push], 16_384, selected),
      16_384,
      offer,
    );
    const [role] = accept.roles;
    return `${accept.contexts[0]?.result}${role === undefined ? '' : ` ${role.scu}/${role.scp}`}`;
  };
  const scp = { requests: true, reports: false };
  const scu = { requests: false, reports: true };
  const both = { requests: true, reports: true };
  const none = { requests: false, reports: false };
  it.each([
    ['no role, node is SCP', [], scp, '0'],
    ['no role, node takes reports', [], scu, '0'],
    ['no role, node does neither', [], none, '3'],
    ['peer is SCU, node is SCP', [{ scu: 1, scp: 0 }], scp, '0 1/0'],
    ['peer calls itself SCU, node only takes reports: it may report all the same', [{ scu: 1, scp: 0 }], scu, '0 1/0'],
    ['peer is SCU, node does neither', [{ scu: 1, scp: 0 }], none, '3 0/0'],
    ['peer is neither, node takes reports', [{ scu: 0, scp: 0 }], scu, '3 0/0'],
    ['peer is SCP, node takes reports', [{ scu: 0, scp: 1 }], scu, '0 0/1'],
    ['peer is SCP, node is only SCP', [{ scu: 0, scp: 1 }], scp, '3 0/0'],
    ['peer is both, node is both', [{ scu: 1, scp: 1 }], both, '0 1/1'],
  ])('%s', (_, roles, offer, expected) => expect(answer(roles, offer)).toBe(expected));
});

describe('limpid as SCP of requests and taker of reports', () => {
  const action = (changes: Partial<Command> = {}): Uint8Array =>
    encodeCommand({
      field: 0x0130,
      messageId: 7,
      hasDataSet: true,
      requestedSopClassUid: pushModel,
      requestedSopInstanceUid: storageCommitmentInstance,
      actionTypeId: 1,
      ...changes,
    });
  const event = (changes: Partial<Command> = {}): Uint8Array =>
    encodeCommand({
      field: 0x0100,
      messageId: 8,
      hasDataSet: true,
      affectedSopClassUid: pushModel,
      affectedSopInstanceUid: storageCommitmentInstance,
      eventTypeId: 2,
      ...changes,
    });
  const push = associateRequest({ contexts: [context(1, pushModel), context(3, ctClass)], roles: [] });
  const asked = encodeCommitmentRequest(request, explicitLittle);
  const told = encodeCommitmentReport(report, explicitLittle);
  const long = '1.2.826.0.1.3680043.8.498.1234567890123456789012345678901';
  const references = Array.from({ length: 10_000 }, (_, k) => ({
    sopClassUid: ctClass,
    sopInstanceUid: `${long}${k}`,
  }));
  const study = encodeCommitmentRequest({ transactionUid: '2.25.77', references }, explicitLittle);

  async function answerTo(contextId: number, command: Uint8Array, bytes: Uint8Array | null): Promise<string> {
    const service = recording();
    const node = await nodeWith(service);
    const peer = await scriptedPeer(node.scp.port);
    peer.send(push, commandPdu(contextId, command));
    if (bytes !== null)
      peer.send(...(bytes.length < 60_000 ? [dataPdu(contextId, bytes)] : [encodeData(1, 'data', bytes, 60_000)]));
    await peer.until(2);
    peer.destroy();
    return `${peer.log.slice(1).join('; ')} ${service.requests.length}/${service.reports.length}`;
  }

  it.each([
    ['a request', 1, action(), asked, 'RSP 8130 #7 0000 1/0'],
    ['a report', 1, event(), told, 'RSP 8100 #8 0000 0/1'],
    ['a request with another action type', 1, action({ actionTypeId: 2 }), asked, 'RSP 8130 #7 0123 0/0'],
    ['a report with another event type', 1, event({ eventTypeId: 3 }), told, 'RSP 8100 #8 0113 0/0'],
    ['a request to another instance', 1, action({ requestedSopInstanceUid: '1.2' }), asked, 'RSP 8130 #7 0112 0/0'],
    ['a request of another class', 1, action({ requestedSopClassUid: ctClass }), asked, 'RSP 8130 #7 0119 0/0'],
    ['a request in the context of CT', 3, action(), asked, 'RSP 8130 #7 0211 0/0'],
    ['a request without data set', 1, action({ hasDataSet: false }), null, 'RSP 8130 #7 0115 0/0'],
    ['a request that cannot be read', 1, action(), Uint8Array.of(1, 2, 3, 4), 'RSP 8130 #7 0115 0/0'],
    ['a request for ten thousand instances', 1, action(), study, 'RSP 8130 #7 0000 1/0'],
    ['a request above 4 MB', 1, action(), new Uint8Array(4_200_000), 'ABORT 0/0 0/0'],
  ])('%s', async (_, contextId, command, bytes, expected) => {
    expect(await answerTo(contextId, command, bytes)).toBe(expected);
  });

  it('reports over the association of the request, while that is open, and says so when it is not', async () => {
    const service = recording();
    const node = await nodeWith(service);
    const reports: CommitmentReport[] = [];
    const asking = await askCommitment(targetAt(node.scp.port), request, {
      reported: (one) => {
        reports.push(one);
        return Promise.resolve({ status: 0 });
      },
    });
    expect(asking.status).toBe(0);
    expect(service.requests).toEqual([request]);
    expect(await service.senders[0]?.(report)).toBe(0);
    expect(reports).toEqual([report]);
    await asking.release();
    await expect(service.senders[0]?.(report)).rejects.toMatchObject({ code: 'DIMSE_ABORTED' });
  });

  it('does not wait for ever for the answer of a peer that goes on with requests of its own, and takes it late', async () => {
    const service = recording();
    const node = await openTestScp({ commitment: service, limits: { responseMs: 200 } });
    closers.push(() => node.scp.close());
    const peer = await scriptedPeer(node.scp.port);
    closers.push(() => Promise.resolve(peer.destroy()));
    peer.send(
      associateRequest({
        contexts: [context(1, pushModel, [explicitLittle]), context(3, verification, [implicitLittle])],
      }),
    );
    await peer.until(1);
    peer.send(commandPdu(1, action()), dataPdu(1, encodeCommitmentRequest(request, explicitLittle)));
    await peer.until(2);
    const reported = service.senders[0]?.(report);
    const busy = setInterval(() => peer.send(commandPdu(3, echoRequest())), 20);
    closers.push(() => Promise.resolve(clearInterval(busy)));
    await expect(reported).rejects.toMatchObject({ code: 'DIMSE_TIMEOUT' });
    clearInterval(busy);
    const ours = peer.responses.find(({ field }) => field === 0x0100);
    const late = { field: 0x8100, hasDataSet: false, respondedTo: ours?.messageId ?? 0, status: 0 };
    const before = peer.log.length;
    peer.send(commandPdu(1, encodeCommand(late)), commandPdu(3, echoRequest()));
    await peer.until(before + 1);
    expect(peer.log.at(-1)).toMatch(/^RSP 8030/);
  });

  it('takes a report of a peer that selects the role of SCU, where it has asked it; a request it refuses by its status', async () => {
    const service = { ...recording(), offers: () => ({ requests: false, reports: true }) };
    const node = await nodeWith(service);
    const peer = await scriptedPeer(node.scp.port);
    const roles = [{ sopClassUid: pushModel, scu: 1, scp: 0 }];
    peer.send(associateRequest({ contexts: [context(1, pushModel)], roles }));
    peer.send(commandPdu(1, event()), dataPdu(1, told), commandPdu(1, action()), dataPdu(1, asked));
    await peer.until(3);
    peer.destroy();
    expect(peer.log).toEqual(['AC', 'RSP 8100 #8 0000', 'RSP 8130 #7 0124']);
    expect([service.requests, service.reports]).toEqual([[], [report]]);
  });

  it('tells the log of a peer whose storage commitment it refuses, and why', async () => {
    const lines: string[] = [];
    const log: Log = {
      ...silentLog,
      info: (said, fields) => void lines.push(`${said}: ${JSON.stringify(fields)}`),
      with: () => log,
    };
    const whyTo = async (offer: CommitmentOffer, change: Parameters<typeof associateRequest>[0]) => {
      const node = await openTestScp({ commitment: { ...recording(), offers: () => offer }, log });
      closers.push(() => node.scp.close());
      lines.length = 0;
      const peer = await scriptedPeer(node.scp.port);
      peer.send(associateRequest({ contexts: [context(1, pushModel)], ...change }));
      await peer.until(1);
      peer.destroy();
      return lines.find((line) => line.includes('storage commitment refused')) ?? '';
    };
    const roles = [{ sopClassUid: pushModel, scu: 0, scp: 1 }];
    expect(await whyTo({ requests: false, reports: false }, {})).toContain('asks it for none (commitment of the peer)');
    expect(await whyTo({ requests: true, reports: false }, { roles })).toContain(
      'SCU=0 SCP=1, and this node takes no reports',
    );
    expect(
      await whyTo({ requests: true, reports: false }, { contexts: [context(1, pushModel, ['1.2.840.10008.1.2.2'])] }),
    ).toContain('no transfer syntax');
    expect(await whyTo({ requests: true, reports: true }, {})).toBe('');
    expect(await whyTo({ requests: false, reports: false }, { contexts: [context(1, ctClass)] })).toBe('');
  });

  it('takes a report over an association of its own', async () => {
    const service = recording();
    const node = await nodeWith(service);
    expect(await reportCommitment(targetAt(node.scp.port), report)).toBe(0);
    expect(service.reports).toEqual([report]);
  });
});

describe('limpid as SCU against a scripted peer', () => {
  it('gives the status of a refusal', async () => {
    const scp = await peerWith(({ respond }) => respond({ status: 0x0110, errorComment: 'busy' }));
    const asked = await askCommitment(targetAt(scp.port), request, { reported: () => Promise.resolve({ status: 0 }) });
    expect(asked).toMatchObject({ status: 0x0110, comment: 'busy' });
    await asked.release();
  });

  it.each([2, 4_000])('takes an answer with a reply in %i-byte fragments, and the next one', async (fragment) => {
    const reply = encodeCommitmentRequest(request, explicitLittle);
    const scp = await peerWith(({ contextId, socket, respond }) => {
      respond({ hasDataSet: true, affectedSopClassUid: pushModel, actionTypeId: 1 });
      socket.write(encodeData(contextId, 'data', reply, fragment));
    });
    const session = await openCommitment(targetAt(scp.port), { reported: () => Promise.resolve({ status: 0 }) });
    expect(await session.ask(request)).toMatchObject({ status: 0 });
    expect(await session.ask(request)).toMatchObject({ status: 0 });
    await session.release();
    const status = await reportCommitment(targetAt(scp.port), report);
    expect(status).toBe(0);
  });

  it('ends the association over a reply that is longer than any can be', async () => {
    const scp = await peerWith(({ contextId, socket, respond }) => {
      respond({ hasDataSet: true });
      socket.write(encodeData(contextId, 'data', new Uint8Array(5 << 20), 1 << 16));
    });
    const asking = askCommitment(targetAt(scp.port), request, { reported: () => Promise.resolve({ status: 0 }) });
    await expect(asking).rejects.toMatchObject({ message: expect.stringContaining('too long') });
  });

  /** A peer that reports before it answers the request. */
  async function reportingAtOnce(): Promise<{ scp: Awaited<ReturnType<typeof peerWith>>; answers: Command[] }> {
    const answers: Command[] = [];
    const scp = await peerWith(({ command, contextId, socket, respond }) => {
      if (command.field === 0x8100) {
        answers.push(command);
        return;
      }
      socket.write(encodeData(contextId, 'command', encodeCommand(eventReport(2)), 4000));
      socket.write(encodeData(contextId, 'data', encodeCommitmentReport(report, explicitLittle), 4000));
      respond();
    });
    return { scp, answers };
  }

  it('takes a report that comes before the answer to the request', async () => {
    const reports: CommitmentReport[] = [];
    const { scp, answers } = await reportingAtOnce();
    const asked = await askCommitment(targetAt(scp.port), request, {
      reported: (one) => {
        reports.push(one);
        return Promise.resolve({ status: 0 });
      },
    });
    expect(asked.status).toBe(0);
    await asked.release();
    expect(reports).toEqual([report]);
    expect(answers).toMatchObject([{ respondedTo: 900, status: 0, eventTypeId: 2 }]);
  });

  it('answers a report that has come before it releases the association', async () => {
    const { scp, answers } = await reportingAtOnce();
    let keep = (): void => {};
    const kept = new Promise<void>((resolve) => (keep = resolve));
    const asked = await askCommitment(targetAt(scp.port), request, {
      reported: () => kept.then(() => ({ status: 0 })),
    });
    const released = asked.release();
    await sleep(50);
    keep();
    await released;
    expect(answers).toMatchObject([{ respondedTo: 900, status: 0, eventTypeId: 2 }]);
  });

  it('reads no more reports of a peer than it answers', async () => {
    const flood = 400;
    const scp = await peerWith(({ command, contextId, socket, respond }) => {
      if (command.field === 0x8100) return;
      for (let sent = 0; sent < flood; sent++) {
        socket.write(encodeData(contextId, 'command', encodeCommand(eventReport(2)), 4000));
        socket.write(encodeData(contextId, 'data', encodeCommitmentReport(report, explicitLittle), 4000));
      }
      respond();
    });
    let [atOnce, most, answered] = [0, 0, 0];
    const asked = await askCommitment({ ...targetAt(scp.port), limits: { unanswered: 8 } }, request, {
      reported: async () => {
        most = Math.max(most, ++atOnce);
        await new Promise((resolve) => setTimeout(resolve, 5));
        atOnce -= 1;
        answered += 1;
        return { status: 0 };
      },
    });
    expect(asked.status).toBe(0);
    await asked.release();
    // the last ones have answers that nobody waits for
    expect(answered).toBeGreaterThanOrEqual(flood - most);
    expect(most).toBeLessThanOrEqual(9);
  });

  it('ends the association over a report that is longer than any can be', async () => {
    const scp = await peerWith(({ contextId, socket }) => {
      socket.write(encodeData(contextId, 'command', encodeCommand(eventReport(1)), 4000));
      socket.write(encodeData(contextId, 'data', Buffer.alloc(5000), 1000));
    });
    const reported = () => Promise.reject(new Error('not asked for'));
    const target = { ...targetAt(scp.port), limits: { otherDataSetBytes: 4000 } };
    await expect(askCommitment(target, request, { reported })).rejects.toMatchObject({
      code: 'DIMSE_PROTOCOL',
      message: expect.stringContaining('too long'),
    });
  });

  it('says that the peer accepts no commitment', async () => {
    const scp = await openScriptedScp({ associate: (asked) => answerRequest(asked, 16_384) });
    closers.push(() => scp.close());
    await expect(
      askCommitment(targetAt(scp.port), request, { reported: () => Promise.resolve({ status: 0 }) }),
    ).rejects.toMatchObject({ code: 'DIMSE_NO_CONTEXT' });
    expect(await acceptsCommitment(targetAt(scp.port))).toBe(false);
  });
});

describe('dcmjs-dimse, an independent implementation', () => {
  const { NActionRequest, NEventReportRequest } = dimse.requests;
  const { NActionResponse, NEventReportResponse } = dimse.responses;

  it('asks limpid, and reports to it', async () => {
    const service = recording();
    const node = await nodeWith(service);
    const items = request.references.map(({ sopClassUid, sopInstanceUid }) => ({
      ReferencedSOPClassUID: sopClassUid,
      ReferencedSOPInstanceUID: sopInstanceUid,
    }));
    const elements = { TransactionUID: '2.25.1', ReferencedSOPSequence: items };
    const statuses = await new Promise<number[]>((resolve, reject) => {
      const got: number[] = [];
      const client = new dimse.Client();
      const action = new NActionRequest(pushModel, storageCommitmentInstance, 1);
      const event = new NEventReportRequest(pushModel, storageCommitmentInstance, 1);
      for (const one of [action, event]) {
        one.setDataset(new dimse.Dataset(elements, explicitLittle));
        one.on('response', (response) => void got.push(response.getStatus()));
        client.addRequest(one);
      }
      client.on('closed', () => resolve(got));
      client.on('networkError', reject);
      client.on('associationRejected', reject);
      client.send('127.0.0.1', node.scp.port, 'DCMJS', 'LIMPID');
    });
    expect(statuses).toEqual([0, 0]);
    expect(service.requests).toEqual([request]);
    expect(service.reports).toEqual([{ transactionUid: '2.25.1', committed: request.references, failed: [] }]);
  });

  it('is asked and reported to by limpid', async () => {
    const seen: string[] = [];
    class Archive extends dimse.Scp {
      override associationRequested(association: InstanceType<typeof dimse.association.Association>): void {
        for (const { context: offered } of association.getPresentationContexts()) {
          offered.setResult(0, offered.getTransferSyntaxUids()[0]);
        }
        this.sendAssociationAccept();
      }
      override nActionRequest(
        asked: InstanceType<typeof NActionRequest>,
        callback: (response: InstanceType<typeof NActionResponse>) => void,
      ): void {
        const elements = asked.getDataset()?.getElements();
        seen.push(`${asked.getActionTypeId()} ${JSON.stringify(elements)}`);
        const response = NActionResponse.fromRequest(asked);
        response.setStatus(0);
        callback(response);
      }
      override nEventReportRequest(
        told: InstanceType<typeof NEventReportRequest>,
        callback: (response: InstanceType<typeof NEventReportResponse>) => void,
      ): void {
        const elements = told.getDataset()?.getElements();
        seen.push(`${told.getEventTypeId()} ${JSON.stringify(elements)}`);
        const response = NEventReportResponse.fromRequest(told);
        response.setStatus(0);
        callback(response);
      }
      override associationReleaseRequested(): void {
        this.sendAssociationReleaseResponse();
      }
    }
    const port = await freePort();
    const server = new dimse.Server(Archive);
    server.listen(port);
    closers.push(() => {
      server.close();
      return Promise.resolve();
    });
    const asked = await askCommitment(targetAt(port), request, { reported: () => Promise.resolve({ status: 0 }) });
    await asked.release();
    expect(asked.status).toBe(0);
    expect(await reportCommitment(targetAt(port), report)).toBe(0);
    expect(seen).toHaveLength(2);
    expect(seen[0]).toMatch(/^1 .*"TransactionUID":"2\.25\.1".*"ReferencedSOPInstanceUID":"1\.2\.3\.22"/);
    expect(seen[1]).toMatch(/^2 .*"FailureReason":274/);
  });
});
