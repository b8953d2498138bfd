// The release of an association by the state table (PS3.8 Section 9.2.3, Tables 9-8 to 9-10), in both roles: what is answered to each PDU.
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { encodeAssociateAccept } from '../../../src/io/dimse/associate-pdu.js';
import { type Command, encodeCommand } from '../../../src/io/dimse/command.js';
import { answerRequest, requestFor } from '../../../src/io/dimse/negotiate.js';
import { PduParser } from '../../../src/io/dimse/pdu-parser.js';
import { decodeAbort, encodeAbort, encodeReleaseRequest, encodeReleaseResponse } from '../../../src/io/dimse/pdu.js';
import { openRequestor } from '../../../src/io/dimse/requestor.js';
import {
  associateRequest,
  commandPdu,
  dataPdu,
  dataSet,
  echoRequest,
  storeRequest,
  usualContexts,
} from '../../support/dimse-bytes.js';
import { memoryStore } from '../../support/memory-store.js';
import { scriptedPeer } from '../../support/scripted-peer.js';
import { openScriptedScp } from '../../support/scripted-scp.js';
import { openTestScp } from '../../support/test-scp.js';

const toClose: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0)) await close();
});

const aborted = encodeAbort({ source: 0, reason: 0 });
const accepted = encodeAssociateAccept(
  answerRequest(requestFor({ calledAe: 'A', callingAe: 'B' }, usualContexts, 0), 0),
);
const echoAnswer = commandPdu(
  3,
  encodeCommand({ field: 0x8030, respondedTo: 1, hasDataSet: false, status: 0 } satisfies Command),
);
const request = commandPdu(3, echoRequest(77));

/** What is waited for until somebody opens it. */
function gate(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((open) => (resolve = open));
  return { promise, resolve };
}

/** The PDUs that come over a socket from now on, as words. */
function listen(socket: Socket): string[] {
  const heard: string[] = [];
  const words: Readonly<Record<number, string>> = { 5: 'RELEASE-RQ', 6: 'RELEASE-RP' };
  const parser = new PduParser(
    {
      pduStart: (type) => void (type === 4 && heard.push('DATA')),
      pdu: (type, body) =>
        void heard.push(
          type === 7 ? `ABORT ${Object.values(decodeAbort(body)).join('/')}` : (words[type] ?? `${type}`),
        ),
      pdvStart: () => {},
      pdvValue: () => {},
      pdvEnd: () => {},
    },
    { maximumLength: 1 << 24, associateBytes: 1 << 20 },
  );
  socket.on('data', (chunk: Buffer) => void parser.push(chunk, () => false));
  return heard;
}

describe('as requestor, behind its own A-RELEASE-RQ', () => {
  /** Releases an association, to which the peer answers so. `served`: the peer's own requests that were looked at. */
  const release = async (answer: readonly Uint8Array[] | 'close') => {
    let heard: readonly string[] = [];
    let closed: Promise<unknown> = Promise.resolve();
    const scp = await openScriptedScp({
      release: (socket) => {
        heard = listen(socket);
        closed = new Promise((resolve) => socket.once('close', resolve));
        if (answer === 'close') socket.end();
        else socket.write(Buffer.concat(answer));
      },
    });
    toClose.push(() => scp.close());
    let how = '';
    let served = 0;
    const requestor = await openRequestor(
      {
        aeTitle: 'PEER',
        host: '127.0.0.1',
        port: scp.port,
        callingAe: 'LIMPID',
        limits: { artimMs: 300 },
        watch: { accepted: () => {}, ended: (end) => void (how = end) },
      },
      usualContexts,
      undefined,
      {
        serve: () => {
          served++;
          return Promise.resolve({ status: 0 });
        },
      },
    );
    await requestor.release();
    await closed;
    return { how, heard, served };
  };
  const [askedToo, answered] = [encodeReleaseRequest(), encodeReleaseResponse()];

  it.each<[string, readonly Uint8Array[] | 'close', string, readonly string[]]>([
    ['A-RELEASE-RP (AR-3)', [answered], 'released', []],
    ['A-ABORT (AA-3)', [aborted], 'aborted', []],
    ['a closed connection (AA-4)', 'close', 'lost', []],
    ['nothing', [], 'aborted', ['ABORT 2/0']],
    ['A-ASSOCIATE-AC (AA-8)', [accepted], 'aborted', ['ABORT 2/2']],
    ['a response that nobody waits for', [echoAnswer], 'aborted', ['ABORT 0/0']],
    ['A-RELEASE-RQ, then A-RELEASE-RP (AR-8, AR-9, AR-3)', [askedToo, answered], 'released', ['RELEASE-RP']],
    ['A-RELEASE-RQ, then nothing', [askedToo], 'aborted', ['RELEASE-RP', 'ABORT 2/0']],
    ['A-RELEASE-RQ, then A-ABORT (AA-3)', [askedToo, aborted], 'aborted', ['RELEASE-RP']],
    ['A-RELEASE-RQ, then P-DATA-TF (AA-8)', [askedToo, request], 'aborted', ['RELEASE-RP', 'ABORT 2/2']],
    ['A-RELEASE-RQ twice (AA-8)', [askedToo, askedToo], 'aborted', ['RELEASE-RP', 'ABORT 2/2']],
  ])('%s', async (_, answer, how, heard) => {
    expect(await release(answer)).toEqual({ how, heard, served: 0 });
  });

  it('a request of the peer is heard (AR-6), and no P-DATA-TF is sent any more', async () => {
    // Silence behind it, so that there is all the time to send something.
    expect(await release([request])).toEqual({ how: 'aborted', heard: ['ABORT 2/0'], served: 1 });
  });
});

describe('as acceptor, behind the peer’s A-RELEASE-RQ, while an answer is due', () => {
  it.each([
    ['P-DATA-TF (AA-8)', commandPdu(3, echoRequest(2)), 'AC; ABORT 2/2', 'aborted'],
    ['A-RELEASE-RQ (AA-8)', encodeReleaseRequest(), 'AC; ABORT 2/2', 'aborted'],
    ['A-RELEASE-RP (AA-8)', encodeReleaseResponse(), 'AC; ABORT 2/2', 'aborted'],
    ['A-ASSOCIATE-RQ (AA-8)', associateRequest(), 'AC; ABORT 2/2', 'aborted'],
    ['A-ABORT (AA-3)', aborted, 'AC', 'aborted'],
  ])('%s', async (_, next, heard, how) => {
    const begun = gate();
    const may = gate();
    const store = memoryStore({
      beforeCommit: () => {
        begun.resolve();
        return may.promise;
      },
    });
    const { scp } = await openTestScp({ store });
    toClose.push(() => scp.close());
    const peer = await scriptedPeer(scp.port);
    peer.send(associateRequest());
    await peer.until(1);
    peer.send(commandPdu(1, storeRequest('1.2.8')), dataPdu(1, dataSet({ sopInstanceUid: '1.2.8' })));
    await begun.promise;
    peer.send(encodeReleaseRequest(), next);
    expect(await peer.closed()).toBe(heard);
    may.resolve();
    while (store.ended.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(store.ended.map((end) => end.how)).toEqual([how]);
  });

  it('what comes behind A-RELEASE-RP is dropped (AA-6)', async () => {
    const { scp, store } = await openTestScp();
    toClose.push(() => scp.close());
    const peer = await scriptedPeer(scp.port);
    peer.send(associateRequest());
    await peer.until(1);
    peer.send(encodeReleaseRequest());
    await peer.until(2);
    peer.send(commandPdu(3, echoRequest(2)), associateRequest(), Buffer.from([0x99, 0, 0, 0, 0, 0]));
    expect(await peer.closed()).toBe('AC; RELEASE-RP');
    expect(store.ended.map((end) => end.how)).toEqual(['released']);
  });
});
